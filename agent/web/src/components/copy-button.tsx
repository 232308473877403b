import { useEffect, useState } from 'preact/hooks'
import { Icon } from './icons.tsx'

export function CopyButton({ text, label }: { text: string; label: string }) {
  const [result, setResult] = useState<'copied' | 'failed'>()
  useEffect(() => {
    if (result === undefined) return
    const timer = setTimeout(() => setResult(undefined), 2000)
    return () => clearTimeout(timer)
  }, [result])
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text)
      setResult('copied')
    } catch {
      // The browser may forbid it; the text can still be selected by hand.
      setResult('failed')
    }
  }
  const said = result === 'copied' ? 'Copied' : result === 'failed' ? 'Select it by hand' : label
  return (
    <button type="button" class="copy" title={said} aria-label={said} onClick={copy} data-result={result}>
      <Icon name={result === 'copied' ? 'check' : 'copy'} />
    </button>
  )
}
