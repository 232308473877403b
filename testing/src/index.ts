export { type ChromiumSearch, findChromium, launchBrowser } from './chromium.ts'
export * from './fake-openai.ts'
export type { ChatFault, ChatMessage, ChatRequest } from './openai-request.ts'
