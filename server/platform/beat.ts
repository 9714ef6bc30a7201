/** How often an idle process wakes: all regular checks run then. */
export const BEAT_MS = 1000;

interface Action {
  readonly run: (lateMs: number) => void;
  /** It runs at each beat whose number this divides. */
  readonly beats: number;
}

const actions = new Set<Action>();
let timer: NodeJS.Timeout | undefined;
let count = 0;
let last = 0;

function beat(): void {
  const now = performance.now();
  const lateMs = Math.max(0, now - last - BEAT_MS);
  last = now;
  count++;
  for (const { run, beats } of actions) if (count % beats === 0) run(lateMs);
}

function start(run: Action['run'], everyMs: number): () => void {
  let previous = performance.now();
  const own = setInterval(() => {
    const now = performance.now();
    const lateMs = Math.max(0, now - previous - everyMs);
    previous = now;
    run(lateMs);
  }, everyMs).unref();
  return () => clearInterval(own);
}

/**
 * Calls an action regularly, with all others of this process: each timer of its own would wake an idle process once
 * more. It keeps no process alive.
 *
 * @param everyMs rounded down to whole beats; below one beat, the action has a timer of its own
 * @param run receives by how much the beat was late, in milliseconds
 * @returns ends the calls
 */
export function onBeat(run: (lateMs: number) => void, everyMs = BEAT_MS): () => void {
  if (everyMs < BEAT_MS) return start(run, everyMs);
  const action: Action = { run, beats: Math.floor(everyMs / BEAT_MS) };
  actions.add(action);
  if (!timer) {
    last = performance.now();
    timer = setInterval(beat, BEAT_MS).unref();
  }
  return () => {
    actions.delete(action);
    if (actions.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  };
}
