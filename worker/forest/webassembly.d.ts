/** The parts of WebAssembly in use: neither es2023 nor the types of Node 20 declare them. */
declare namespace WebAssembly {
  class Module {
    constructor(bytes: Uint8Array);
    static imports(module: Module): unknown[];
    static exports(module: Module): unknown[];
  }
  class Memory<Shared extends boolean = true> {
    constructor(pages: { initial: number; maximum: number; shared: Shared });
    readonly buffer: Shared extends true ? SharedArrayBuffer : ArrayBuffer;
    /** Adds pages. @returns how many there were; @throws {RangeError} beyond the maximum */
    grow(pages: number): number;
  }
  class Instance {
    constructor(module: Module, imports: { env: Readonly<Record<string, unknown>> });
    readonly exports: Readonly<Record<string, unknown>>;
  }
}
