/** Outlines on a 20 by 20 grid, in the colour of the text around them. */
const outlines = {
  menu: 'M3 6h14M3 10h14M3 14h14',
  close: 'M5 5l10 10M15 5L5 15',
  plus: 'M10 4v12M4 10h12',
  send: 'M10 16V4M5 9l5-5 5 5',
  stop: 'M6 6h8v8H6z',
  check: 'M4 10.5l4 4 8-9',
  cross: 'M5.5 5.5l9 9M14.5 5.5l-9 9',
  chevron: 'M7 5l5 5-5 5',
  down: 'M10 4v12M5 11l5 5 5-5',
  copy: 'M7 7V4h9v9h-3M4 7h9v9H4z',
  trash: 'M4 6h12M8 6V4h4v2M6 6l.7 10h6.6L14 6',
  warning: 'M10 3l8 14H2zM10 8v4M10 14.5v.5',
  shield: 'M10 2.5l6.5 2.5v4.5c0 4-2.7 6.700-6.500 8-3.800-1.300-6.500-4-6.500-8V5z',
  coin: 'M10 3a7 7 0 1 0 0 14a7 7 0 0 0 0-14zM10 6.500v7M12 8c-.5-.6-1.200-.8-2-.8-1.200 0-2 .6-2 1.400 0 1.900 4.100.9 4.100 2.800 0 .9-.9 1.400-2.100 1.400-.9 0-1.700-.3-2.200-.9',
  out: 'M8 4H4v12h12v-4M11 4h5v5M16 4l-7 7',
  info: 'M10 3a7 7 0 1 0 0 14a7 7 0 0 0 0-14zM10 9v4.500M10 6.500v.2',
  pulse: 'M2.500 10h3.500l2-5 4 10 2-5h3.500',
} as const

export type IconName = keyof typeof outlines

export function Icon({ name }: { name: IconName }) {
  return (
    <svg class="icon" viewBox="0 0 20 20" aria-hidden="true" focusable="false">
      <path d={outlines[name]} />
    </svg>
  )
}

/** The mark of the product: a track that comes back to its owner. */
export function Mark() {
  return (
    <svg class="mark" viewBox="0 0 64 64" aria-hidden="true" focusable="false">
      <path d="M15 52V31a17 17 0 1 1 17 17h-5" />
      <circle cx="32" cy="31" r="5.500" />
    </svg>
  )
}
