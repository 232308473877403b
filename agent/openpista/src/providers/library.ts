type Library = typeof import('@ai-sdk/openai-compatible')
/** A model of the library that knows the wire formats. */
export type LanguageModel = ReturnType<ReturnType<Library['createOpenAICompatible']>['chatModel']>
export type LanguageModelOptions = Parameters<LanguageModel['doStream']>[0]
