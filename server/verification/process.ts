import { ModelRefused } from '../model/refused.ts';
import type { VerifyReply, VerifyTask } from './messages.ts';
import { verifyVersion } from './verifyVersion.ts';

async function reply({ candidate, maxModelBytes }: VerifyTask): Promise<VerifyReply> {
  try {
    return { ok: true, verdict: await verifyVersion(candidate, maxModelBytes) };
  } catch (error) {
    if (!(error instanceof ModelRefused)) throw error;
    return { ok: false, reason: error.reason };
  }
}

/** One version after the other. */
let last: Promise<void> = Promise.resolve();
process.on('message', (task: VerifyTask) => {
  last = last.then(async () => void process.send?.(await reply(task)));
});
// A terminal's Ctrl-C reaches this process, too: the primary ends it.
process.on('SIGINT', () => {});
