import { execFileSync } from 'node:child_process';

/** Writes what is generated and not committed, before the first test. */
export const setup = (): void => {
  execFileSync('scripts/generate/model-json-check/write.sh', { stdio: 'inherit' });
};
