import { useEffect, useState } from 'preact/hooks'

/** Unix seconds, renewed each second while `isOn`. */
export function useSeconds(isOn: boolean): number {
  const [now, setNow] = useState(currentSecond)
  useEffect(() => {
    if (!isOn) return
    setNow(currentSecond())
    const timer = setInterval(() => setNow(currentSecond()), 1000)
    return () => clearInterval(timer)
  }, [isOn])
  return now
}

function currentSecond(): number {
  return Math.floor(Date.now() / 1000)
}
