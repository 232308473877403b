type Part = { module: string; name: string; kind: string }
type Fault = new (message?: string) => Error

/** Functions that a module may call, by name. */
export type WasmFunctions = Record<string, (...args: never[]) => number>

/** The parts of the engine that the types of Node leave out. */
export const wasmEngine = WebAssembly as unknown as {
  Module: (new (
    bytes: Uint8Array,
  ) => object) & {
    imports: (module: object) => Part[]
    exports: (module: object) => Omit<Part, 'module'>[]
  }
  Instance: new (module: object, imports: Record<string, WasmFunctions>) => { exports: unknown }
  CompileError: Fault
  LinkError: Fault
  RuntimeError: Fault
}
