import type { Fault, FaultCode } from './protocol.ts';

/** A failed task, before it becomes a tagged reply. */
export class TaskFault extends Error {
  readonly code: FaultCode;
  constructor(code: FaultCode, detail: string) {
    super(detail);
    this.code = code;
  }
}

/** Turns anything thrown into a reply; `code` is for what isn't a TaskFault. */
export function toFault(error: unknown, code: FaultCode): Fault {
  const detail = (error instanceof Error ? error.message : String(error)).split('\n', 1)[0] ?? '';
  return { ok: false, code: error instanceof TaskFault ? error.code : code, detail };
}
