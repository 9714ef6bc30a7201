import { describe, expect, it } from 'vitest';
import { checkTracestate, parseTraceContext } from './traceContext.ts';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const SPAN = '00f067aa0ba902b7';
const VALID = `00-${TRACE}-${SPAN}-01`;

describe('traceparent', () => {
  it.each([
    [VALID, true],
    [`00-${TRACE}-${SPAN}-00`, false],
    // Other flags don't matter, nor does text that a later version adds.
    [`00-${TRACE}-${SPAN}-ff`, true],
    [`cc-${TRACE}-${SPAN}-01`, true],
    [`cc-${TRACE}-${SPAN}-00-what=ever`, false],
  ])('%s', (text, sampled) => {
    expect(parseTraceContext(text)).toEqual({ traceId: TRACE, spanId: SPAN, sampled, state: undefined });
  });

  it.each([
    undefined,
    '',
    ` ${VALID}`,
    `${VALID} `,
    `${VALID}-`,
    `${VALID}-00`,
    `${VALID}, ${VALID}`,
    `ff-${TRACE}-${SPAN}-01`,
    `0-${TRACE}-${SPAN}-01`,
    `00-${TRACE.toUpperCase()}-${SPAN}-01`,
    `00-${'0'.repeat(32)}-${SPAN}-01`,
    `00-${TRACE}-${'0'.repeat(16)}-01`,
    `00-${TRACE}0-${SPAN}-01`,
    `00-${TRACE}-${SPAN}`,
    `00-${TRACE}-${SPAN}-1`,
    `00-${TRACE}-${SPAN}-0g`,
    `cc-${TRACE}-${SPAN}-01.more`,
    `00_${TRACE}_${SPAN}_01`,
  ])('is none: %s', (text) => {
    expect(parseTraceContext(text, 'a=b')).toBeUndefined();
  });
});

describe('tracestate', () => {
  it.each([
    ['a=b', 'a=b'],
    [' a=b\t,, c-d/e*f_g=x y=z'.replace('y=z', 'y:z'), 'a=b,c-d/e*f_g=x y:z'],
    ['0tenant@system=!~', '0tenant@system=!~'],
    [
      Array.from({ length: 32 }, (_, at) => `k${at}=v`).join(),
      Array.from({ length: 32 }, (_, at) => `k${at}=v`).join(),
    ],
  ])('%s', (text, kept) => {
    expect(checkTracestate(text)).toBe(kept);
    expect(parseTraceContext(VALID, text)?.state).toBe(kept);
  });

  it.each([
    undefined,
    '',
    ' , ',
    'a',
    '=b',
    'a=',
    'A=b',
    '0a=b',
    'a=b=c',
    'a=b,a=c',
    'a=é',
    'a=b,c',
    'a@b@c=d',
    'a=b\u0000',
    Array.from({ length: 33 }, (_, at) => `k${at}=v`).join(),
    `a=${'x'.repeat(257)}`,
    `a=${'x'.repeat(250)},b=${'x'.repeat(250)},c=${'x'.repeat(10)}`,
  ])('is dropped as a whole, and the traceparent stays: %s', (text) => {
    expect(checkTracestate(text)).toBeUndefined();
    expect(parseTraceContext(VALID, text)).toMatchObject({ traceId: TRACE, state: undefined });
  });
});
