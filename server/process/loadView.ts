import type { FromProcess } from '../messages.ts';
import type { Load } from '../metrics/load.ts';
import { LOAD_EVERY_MS, LOAD_INTEREST_MS, UNKNOWN_LOAD } from '../metrics/load.ts';

/** The load of the whole server, as a server process sees it. */
export interface LoadView {
  /** The latest figures; asking for them keeps the measuring going. */
  read(): Load;
  receive(load: Load): void;
}

export function createLoadView(send: (message: FromProcess) => unknown): LoadView {
  let latest = UNKNOWN_LOAD;
  let [received, asked] = [-Infinity, -Infinity];
  return {
    read: () => {
      const now = performance.now();
      if (now - asked > LOAD_EVERY_MS / 2) {
        asked = now;
        void send({ type: 'watch' });
      }
      return now - received < LOAD_INTEREST_MS ? latest : UNKNOWN_LOAD;
    },
    receive: (load) => {
      received = performance.now();
      latest = load;
    },
  };
}
