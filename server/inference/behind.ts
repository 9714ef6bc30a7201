import type { Background } from './explanations.ts';
import type { Pool } from './pool.ts';

/** Lanes for work that comes behind predictions. */
export interface Behind {
  /** As of the work. */
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
  background.onChange(changed);
  return {
    get open() {
      return background.open;
    },
    dispatch: () => {
      while (background.waiting) {
        const [lane] = pool.idle();
        const slice = lane && background.start(lane);
        if (!slice) return;
        void slice.finally(changed);
      }
    },
    close: () => background.close(),
  };
}
