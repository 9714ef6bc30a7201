import { expect } from 'vitest';
import type { Pool } from '../inference/pool.ts';
import { createPool } from '../inference/pool.ts';
import { builtThread } from './builtThread.ts';

/** Real threads; one that is lost or replaced fails the test. The caller closes them. */
export const createStrictPool = (threads: number, openTimeoutMs: number): Pool =>
  createPool({
    threads,
    entry: builtThread('worker/main'),
    openTimeoutMs,
    onLost: (reason) => expect.fail(reason),
    onReplaced: (_, reason) => expect.fail(reason),
  });
