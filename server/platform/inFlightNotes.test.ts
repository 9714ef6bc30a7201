import { readdir } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { createInFlightNotes, takeInFlight } from './inFlightNotes.ts';
import { withTemporaryFolder } from '../testing/temporaryFolder.ts';

const PID = 4711;

describe('the notes of a process', () => {
  it('name the requests that its threads worked on when it died, once', () =>
    withTemporaryFolder(async (runtime) => {
      const notes = createInFlightNotes(runtime, PID);
      notes.note(0, ['a', 'b']);
      notes.note(1, ['c']);
      notes.note(2, []);
      expect(takeInFlight(runtime, PID)).toEqual(['a', 'b', 'c']);
      expect(takeInFlight(runtime, PID)).toEqual([]);
      expect(await readdir(runtime)).toEqual([]);
    }));

  it('forget the finished requests of a thread', () =>
    withTemporaryFolder((runtime) => {
      const notes = createInFlightNotes(runtime, PID);
      notes.note(0, ['a-long-request-id', 'another-long-one', 'c']);
      notes.note(0, ['d']);
      notes.note(1, ['e', 'f']);
      notes.note(1, []);
      expect(takeInFlight(runtime, PID)).toEqual(['d']);
      return Promise.resolve();
    }));

  it('may begin with any thread', () =>
    withTemporaryFolder((runtime) => {
      createInFlightNotes(runtime, PID).note(2, ['x']);
      expect(takeInFlight(runtime, PID)).toEqual(['x']);
      return Promise.resolve();
    }));

  it("never overwrite another thread's, with any number of requests in a batch", () =>
    withTemporaryFolder((runtime) => {
      const notes = createInFlightNotes(runtime, PID);
      const many = Array.from({ length: 256 }, (_, at) => `${at}-`.padEnd(64, 'x'));
      notes.note(1, ['mine']);
      notes.note(0, [...many, ...many]);
      const taken = takeInFlight(runtime, PID);
      expect(taken.at(-1)).toBe('mine');
      expect(taken.slice(0, 100)).toEqual(many.slice(0, 100));
      return Promise.resolve();
    }));

  it('are removed at an orderly end of the process', () =>
    withTemporaryFolder(async (runtime) => {
      const notes = createInFlightNotes(runtime, PID);
      notes.note(0, ['a']);
      notes.close();
      expect(await readdir(runtime)).toEqual([]);
      expect(takeInFlight(runtime, PID)).toEqual([]);
    }));
});
