import { useEffect, useId, useLayoutEffect, useRef, useState } from 'preact/hooks'
import { type Command, matchingCommands } from '../commands.ts'
import { Icon } from './icons.tsx'

/** Where a person writes. `draft` belongs to the parent, so that suggestions can fill it in. */
export function Composer(props: {
  draft: string
  onDraft: (draft: string) => void
  onSend: (text: string) => void
  onStop: () => void
  isRunning: boolean
  placeholder: string
}) {
  const { draft, onDraft, isRunning } = props
  const field = useRef<HTMLTextAreaElement>(null)
  const palette = usePalette(draft, onDraft)
  useAutoHeight(field, draft)

  const send = () => {
    const text = draft.trim()
    if (text === '') return
    props.onSend(text)
    onDraft('')
    field.current?.focus()
  }
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.isComposing) return
    if (palette.onKeyDown(event)) return
    if (event.key === 'Enter' && !event.shiftKey) {
      event.preventDefault()
      send()
    }
  }
  return (
    <form
      class="composer"
      onSubmit={(event) => {
        event.preventDefault()
        send()
      }}
    >
      {palette.isOpen ? <Palette {...palette} onDone={() => field.current?.focus()} /> : null}
      <div class="composer-box">
        <textarea
          ref={field}
          value={draft}
          rows={1}
          placeholder={props.placeholder}
          aria-label="Message"
          aria-haspopup="listbox"
          aria-controls={palette.id}
          aria-autocomplete="list"
          aria-activedescendant={palette.isOpen ? `${palette.id}-${palette.chosen}` : undefined}
          onInput={(event) => onDraft(event.currentTarget.value)}
          onKeyDown={onKeyDown}
        />
        <Buttons isRunning={isRunning} isEmpty={draft.trim() === ''} onStop={props.onStop} />
      </div>
      <p class="composer-help">
        <kbd>Enter</kbd> sends · <kbd>Shift</kbd>+<kbd>Enter</kbd> new line · <kbd>/</kbd> commands
      </p>
    </form>
  )
}

function Buttons({ isRunning, isEmpty, onStop }: { isRunning: boolean; isEmpty: boolean; onStop: () => void }) {
  return (
    <>
      {isRunning ? (
        <button type="button" class="round" data-look="stop" aria-label="Stop" title="Stop" onClick={onStop}>
          <Icon name="stop" />
        </button>
      ) : null}
      {isRunning && isEmpty ? null : (
        <button type="submit" class="round" aria-label="Send" title="Send" disabled={isEmpty}>
          <Icon name="send" />
        </button>
      )}
    </>
  )
}

type PaletteState = {
  id: string
  isOpen: boolean
  found: readonly Command[]
  chosen: number
  take: (command: Command) => void
  /** True when the key was for the palette. */
  onKeyDown: (event: KeyboardEvent) => boolean
}

function usePalette(draft: string, onDraft: (draft: string) => void): PaletteState {
  const id = useId()
  const [choice, setChoice] = useState({ draft, index: 0 })
  const [closedFor, setClosedFor] = useState<string>()
  const found = matchingCommands(draft)
  const isOpen = found.length > 0 && closedFor !== draft
  // Another text is another list, which begins at its top.
  const chosen = choice.draft === draft ? Math.min(choice.index, found.length - 1) : 0
  const choose = (index: number) => setChoice({ draft, index: (index + found.length) % found.length })
  const take = (command: Command) => onDraft(`${command.name} `)
  const onKeyDown = (event: KeyboardEvent): boolean => {
    if (!isOpen) return false
    const command = found[chosen]
    if (event.key === 'ArrowDown') choose(chosen + 1)
    else if (event.key === 'ArrowUp') choose(chosen - 1)
    else if (event.key === 'Escape') setClosedFor(draft)
    else if ((event.key === 'Tab' || event.key === 'Enter') && !event.shiftKey && command !== undefined) take(command)
    else return false
    event.preventDefault()
    return true
  }
  return { id, isOpen, found, chosen, take, onKeyDown }
}

function Palette({ id, found, chosen, take, onDone }: PaletteState & { onDone: () => void }) {
  const list = useRef<HTMLDivElement>(null)
  // The list is longer than its box.
  useEffect(() => list.current?.children[chosen]?.scrollIntoView({ block: 'nearest' }), [chosen])
  return (
    <div ref={list} class="palette" id={id} role="listbox" aria-label="Commands" tabIndex={-1}>
      {found.map((command, index) => (
        <div
          key={command.name}
          id={`${id}-${index}`}
          role="option"
          tabIndex={-1}
          aria-selected={index === chosen}
          onPointerDown={(event) => {
            // The field keeps the focus, and with it the keyboard of a phone.
            event.preventDefault()
            take(command)
            onDone()
          }}
        >
          <code>{command.usage}</code>
          <span>{command.what}</span>
        </div>
      ))}
    </div>
  )
}

/** The field grows with its text up to the limit that the style sets. */
function useAutoHeight(field: { current: HTMLTextAreaElement | null }, draft: string): void {
  useLayoutEffect(() => {
    const element = field.current
    if (element === null) return
    element.style.height = 'auto'
    element.style.height = `${element.scrollHeight}px`
  }, [field, draft])
}
