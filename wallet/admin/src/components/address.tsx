import { useEffect, useState } from 'preact/hooks'
import { addressGroups, visible } from '../text.ts'
import { Icon } from './icons.tsx'

/** A whole address, in groups to compare, never shortened. */
export function Address({ address }: { address: string }) {
  return (
    <span class="address">
      {/* A screen reader spells groups; the whole address is for the eye and the clipboard. */}
      <span class="address-groups">
        {addressGroups(visible(address)).map((group, index) => (
          <span key={index}>{group}</span>
        ))}
      </span>
      <CopyButton text={address} label="Copy address" />
    </span>
  )
}

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
    <button type="button" class="copy" title={said} aria-label={said} onClick={copy}>
      <Icon name={result === 'copied' ? 'check' : 'copy'} />
    </button>
  )
}
