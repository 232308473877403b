/** What is used of https://webassembly.github.io/spec/js-api: Node has it, and declares no types for it. */
declare namespace WebAssembly {
  class Module {
    constructor(bytes: Uint8Array)
  }
  class Instance {
    constructor(module: Module, imports: Record<string, Record<string, (value: number) => unknown>>)
    readonly exports: unknown
  }
  type Memory = { readonly buffer: ArrayBuffer }
  /** A place in the memory. */
  type Place = { readonly value: number }
}
