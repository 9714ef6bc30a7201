/** Work that waits behind the decoding of bodies. */
export interface Backlog {
  /** The threads have enough for a while: another large body, if decoded now, would only wait. */
  readonly isFull: boolean;
  /** The listener is called whenever `isFull` may have ended. */
  onRoom(listener: () => void): void;
}

/** Counts the queued rows of large requests. Small requests are never held back, so they don't count. */
export interface LargeBacklog extends Backlog {
  /** @param rows how many more are queued; fewer if negative */
  change(rows: number): void;
}

/** @param enoughRows rows that keep the threads busy for a while */
export function createLargeBacklog(enoughRows: number): LargeBacklog {
  let queuedRows = 0;
  let onRoom = (): void => {};
  const isFull = (): boolean => queuedRows > enoughRows;
  return {
    get isFull() {
      return isFull();
    },
    onRoom: (listener) => {
      onRoom = listener;
    },
    change: (rows) => {
      queuedRows += rows;
      if (rows < 0 && !isFull()) onRoom();
    },
  };
}
