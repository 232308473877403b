import { memo } from 'preact/compat'
import { useEffect, useRef, useState } from 'preact/hooks'
import { visible } from '../text.ts'
import type { ToolItem, ToolStatus } from '../transcript.ts'
import { CopyButton } from './copy-button.tsx'
import { Icon } from './icons.tsx'

const SHORT_LINES = 8

/** A tool call: one line, and its output below. What runs, failed, was asked for or is short is open, the rest a click away. */
export const ToolRow = memo(function ToolRow({ tool }: { tool: ToolItem }) {
  const [chosen, setChosen] = useState<boolean>()
  const { call, status } = tool
  const output = visible(tool.output.replace(/\n+$/, ''))
  const lines = output === '' ? 0 : output.split('\n').length
  const isOpen = chosen ?? (status === 'running' || status === 'failed' || tool.isAnswer || lines <= SHORT_LINES)
  const details = Object.keys(call.arguments ?? {}).length > 0
  return (
    <section class="tool" data-status={status}>
      <button type="button" class="tool-head" aria-expanded={isOpen} onClick={() => setChosen(!isOpen)}>
        <StatusSign status={status} />
        <span class="tool-name">{call.name}</span>
        <span class="tool-summary">{visible(call.summary)}</span>
        <span class="tool-count">{lines > SHORT_LINES ? `${lines} lines` : ''}</span>
        <Icon name="chevron" />
      </button>
      {isOpen && output !== '' ? <Output text={output} isLive={status === 'running'} /> : null}
      {isOpen && details && chosen === true ? <Arguments values={call.arguments} /> : null}
    </section>
  )
})

const signs: Record<ToolStatus, { words: string; icon: 'check' | 'cross' | 'stop' | undefined }> = {
  running: { words: 'Running', icon: undefined },
  done: { words: 'Done', icon: 'check' },
  failed: { words: 'Failed', icon: 'cross' },
  stopped: { words: 'Stopped', icon: 'stop' },
}

function StatusSign({ status }: { status: ToolStatus }) {
  const { words, icon } = signs[status]
  return (
    <span class="tool-sign" role="img" aria-label={words} title={words}>
      {icon === undefined ? <span class="spinner" /> : <Icon name={icon} />}
    </span>
  )
}

/** While the tool runs, its newest line stays in sight. */
function Output({ text, isLive }: { text: string; isLive: boolean }) {
  const box = useRef<HTMLPreElement>(null)
  useEffect(() => {
    if (isLive && box.current !== null) box.current.scrollTop = box.current.scrollHeight
  }, [text, isLive])
  return (
    <div class="tool-output">
      <pre ref={box}>{text}</pre>
      <CopyButton text={text} label="Copy output" />
    </div>
  )
}

function Arguments({ values }: { values: Record<string, unknown> }) {
  return (
    <dl class="tool-arguments">
      {Object.entries(values).map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{visible(typeof value === 'string' ? value : JSON.stringify(value))}</dd>
        </div>
      ))}
    </dl>
  )
}
