import { describe, expect, it } from 'vitest';
import { LATE_IN_A_ROW } from '../batching/admission.ts';
import type { AppContext } from './handler.ts';
import type { Crowd } from './crowd.ts';
import { createCrowd } from './crowd.ts';

const MIB = 1024 * 1024;
const shed: string[] = [];
const http = { shed: (reason: string) => void shed.push(reason) };

const request = (headers: Record<string, string>): AppContext =>
  ({ env: { incoming: { headers } } }) as unknown as AppContext;
/** As nginx says it, to the millisecond. */
const sentAgo = (ms: number): AppContext =>
  request({ 'x-request-start': ((Date.now() - ms) / 1000).toFixed(3) });

function accepts(crowd: Crowd, c: AppContext): boolean {
  try {
    crowd.leave(crowd.enter(c));
    return true;
  } catch (error) {
    expect(error).toMatchObject({ code: 'overloaded', status: 503 });
    return false;
  }
}

describe('a crowd', () => {
  it('of late requests is refused, but not some that one stall made late', () => {
    const crowd = createCrowd({ late: false }, http, 5000);
    for (let index = 0; index < LATE_IN_A_ROW; index++) expect(accepts(crowd, sentAgo(60_000))).toBe(true);
    expect(accepts(crowd, sentAgo(60_000))).toBe(false);
    expect(shed.pop()).toBe('late');
    expect(accepts(crowd, sentAgo(0))).toBe(true);
    expect(accepts(crowd, sentAgo(60_000))).toBe(true);
  });

  it('is refused where the queue is late', () => {
    expect(accepts(createCrowd({ late: true }, http, 5000), sentAgo(0))).toBe(false);
  });

  it('is not seen where nobody says when a request was sent', () => {
    const crowd = createCrowd({ late: false }, http, 5000);
    for (let index = 0; index < 200; index++) {
      expect(accepts(crowd, request({}))).toBe(true);
      expect(accepts(crowd, request({ 'x-request-start': 'long ago' }))).toBe(true);
    }
  });

  it('holds so many bytes of bodies, and always one body', () => {
    const crowd = createCrowd({ late: false }, http, 5000);
    const body = (mib: number): AppContext => request({ 'content-length': String(mib * MIB) });
    const large = crowd.enter(body(1000));
    expect(accepts(crowd, body(1))).toBe(false);
    expect(shed.pop()).toBe('bodies');
    crowd.leave(large);
    const held = Array.from({ length: 25 }, () => crowd.enter(body(10)));
    expect(accepts(crowd, body(10))).toBe(false);
    expect(accepts(crowd, body(5))).toBe(true);
    for (const bytes of held) crowd.leave(bytes);
    expect(accepts(crowd, body(200))).toBe(true);
  });
});
