/** Outlines on a 20 by 20 grid, in the colour of the text around them. */
const outlines = {
  check: 'M4 10.5l4 4 8-9',
  cross: 'M5.5 5.5l9 9M14.5 5.5l-9 9',
  copy: 'M7 7V4h9v9h-3M4 7h9v9H4z',
  warning: 'M10 3l8 14H2zM10 8v4M10 14.5v.5',
  clock: 'M10 3a7 7 0 1 0 0 14a7 7 0 0 0 0-14zM10 6.5V10l2.5 2',
  down: 'M10 4v12M5 11l5 5 5-5',
} as const

export type IconName = keyof typeof outlines

export function Icon({ name }: { name: IconName }) {
  return (
    <svg class="icon" viewBox="0 0 20 20" aria-hidden="true" focusable="false">
      <path d={outlines[name]} />
    </svg>
  )
}
