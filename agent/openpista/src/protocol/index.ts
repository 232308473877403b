export * from './card.ts'
export * from './frames.ts'
