/** Turns of the event loop that a batch waits at most, while each brings more requests. */
const MAX_TURNS = 8;

/** Waits for requests that arrive together, so that they leave together. */
export interface Gather {
  /** A request arrived: `dispatch` is called in a later turn of the event loop. */
  arrived(): void;
  /** The gathered requests left: the next one starts a new wait. */
  dispatched(): void;
}

/**
 * Postpones `dispatch` while each turn of the event loop brings new requests, for a few turns. A request that arrives
 * alone waits for the end of its turn only.
 *
 * @param isEnough a batch is full already
 */
export function createGather(isEnough: () => boolean, dispatch: () => void): Gather {
  let arrivals = 0;
  /** Arrivals up to the previous turn. */
  let seen = 0;
  let turns = 0;
  let scheduled = false;
  const look = (): void => {
    if (arrivals !== seen && turns++ < MAX_TURNS && !isEnough()) {
      seen = arrivals;
      setImmediate(look);
    } else {
      dispatch();
    }
  };
  return {
    arrived: () => {
      arrivals++;
      if (scheduled) return;
      scheduled = true;
      turns = 0;
      seen = arrivals;
      setImmediate(look);
    },
    dispatched: () => {
      scheduled = false;
    },
  };
}
