import type { Background } from './explanations.ts';
import type { Pool } from './pool.ts';

/** Lanes for work that comes behind predictions. */
export interface Behind {
  /** Requests and slices that aren't done: threads must not end before. */
  readonly open: number;
  /** Gives idle lanes to the work. To be called when no prediction waits. */
  dispatch(): void;
  close(): void;
}

/** @param changed is called when a lane is idle again, when work has come, and when a request has ended */
export function createBehind(
  pool: Pick<Pool, 'idle'>,
  background: Background | undefined,
  changed: () => void,
): Behind {
  if (!background) return { open: 0, dispatch: () => {}, close: () => {} };
  let slices = 0;
  background.onChange(changed);
  return {
    get open() {
      return background.open + slices;
    },
    dispatch: () => {
      while (background.waiting) {
        const [lane] = pool.idle();
        const slice = lane && background.start(lane);
        if (!slice) return;
        slices++;
        void slice.finally(() => {
          slices--;
          changed();
        });
      }
    },
    close: () => background.close(),
  };
}
