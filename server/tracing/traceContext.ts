/** The place of a caller's request in a trace (W3C Trace Context). */
export interface TraceContext {
  /** 32 digits, lower-case hexadecimal. */
  readonly traceId: string;
  /** 16 digits: the span that called. */
  readonly spanId: string;
  /** Whether the caller records this trace. */
  readonly sampled: boolean;
  /** The `tracestate` of tracing systems on the way. */
  readonly state: string | undefined;
}

const TRACEPARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
const SAMPLED = 1;

const KEY = /^(?:[a-z][a-z0-9_*/-]{0,255}|[a-z0-9][a-z0-9_*/-]{0,240}@[a-z][a-z0-9_*/-]{0,13})$/;
/** No comma, no equals sign, and no space at the end. */
const VALUE = /^[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e]$/;
const MAX_MEMBERS = 32;
const MAX_STATE_CHARACTERS = 512;

/** A `tracestate` if every member is valid, else undefined: a part of one would mean something else. */
export function checkTracestate(text: string | undefined): string | undefined {
  if (text === undefined || text.length > MAX_STATE_CHARACTERS) return undefined;
  const members = text.split(',').map((member) => member.replace(/^[ \t]+|[ \t]+$/g, ''));
  const named = members.filter((member) => member !== '');
  const keys = named.map((member) => member.slice(0, Math.max(0, member.indexOf('='))));
  const valid =
    named.length > 0 &&
    named.length <= MAX_MEMBERS &&
    new Set(keys).size === keys.length &&
    named.every((member, at) => {
      const key = keys[at] as string;
      return KEY.test(key) && VALUE.test(member.slice(key.length + 1));
    });
  return valid ? named.join(',') : undefined;
}

/** The trace context in these headers; undefined without a valid `traceparent`. */
export function parseTraceContext(
  traceparent: string | undefined,
  tracestate?: string,
): TraceContext | undefined {
  const [, version, traceId = '', spanId = '', flags = '', more] = TRACEPARENT.exec(traceparent ?? '') ?? [];
  // Version ff doesn't exist, nor do ids of zeros; only a version above ours may have more behind the flags.
  if (version === undefined || version === 'ff' || /^0*$/.test(traceId) || /^0*$/.test(spanId))
    return undefined;
  if (version === '00' && more !== undefined) return undefined;
  const sampled = (Number.parseInt(flags, 16) & SAMPLED) !== 0;
  return { traceId, spanId, sampled, state: checkTracestate(tracestate) };
}

/** @param header reads a request header by its lower-case name */
export const traceContextOf = (header: (name: string) => string | undefined): TraceContext | undefined =>
  parseTraceContext(header('traceparent'), header('tracestate'));
