/** What has to be undone before the end, whatever happens in between. */
export interface Cleanup {
  add(step: () => Promise<void>): void;
  /** Runs the steps, the latest first. One that fails doesn't keep the others from running. */
  run(): Promise<void>;
}

export function createCleanup(): Cleanup {
  const steps: (() => Promise<void>)[] = [];
  return {
    add: (step) => void steps.push(step),
    run: async () => {
      for (let step = steps.pop(); step; step = steps.pop()) await step().catch(() => {});
    },
  };
}
