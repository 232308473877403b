/** Something that was said, cut to the part that matched. `at` is in milliseconds. */
export type Said = { at: number; sessionId: string; title: string; by: 'owner' | 'person' | 'agent'; text: string }
