import type { Holdings } from './holdings.ts';
import type { Planner } from './planner.ts';

/** With many new versions, the states of all are sent no more often than this while they are opened. */
const EVERY_MS = 250;

/** @returns sends the states of all versions to the processes that serve; soon, where it has just done so */
export function createSendStates(
  planner: Pick<Planner, 'loading' | 'states'>,
  holdings: Pick<Holdings, 'equipped'>,
): () => void {
  let timer: NodeJS.Timeout | undefined;
  const send = (): void => {
    if (timer) return;
    const versions = planner.states();
    for (const { process } of holdings.equipped) process.send({ type: 'versions', versions });
    const sent = planner.loading;
    timer = setTimeout(() => {
      timer = undefined;
      if (planner.loading && planner.loading !== sent) send();
    }, EVERY_MS).unref();
  };
  return send;
}
