import { ModelRefused } from '../model/refused.ts';
import type { Verified } from '../rollout/openings.ts';
import type { VerifyTask } from './messages.ts';
import { verifyVersion } from './verifyVersion.ts';

async function reply({ candidate, maxModelBytes }: VerifyTask): Promise<Verified> {
  try {
    return await verifyVersion(candidate, maxModelBytes);
  } catch (error) {
    if (!(error instanceof ModelRefused)) throw error;
    return { refusal: error.reason };
  }
}

/** One version after the other. */
let last: Promise<void> = Promise.resolve();
process.on('message', (task: VerifyTask) => {
  last = last.then(async () => void process.send?.(await reply(task)));
});
// A terminal's Ctrl-C reaches this process, too: the primary ends it.
process.on('SIGINT', () => {});
