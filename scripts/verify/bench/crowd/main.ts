import type { Order } from './crowd.ts';
import { sendCrowd } from './crowd.ts';

// A program of its own, so that it can have a CPU of its own: the argument is an order, the output the outcome.
process.stdout.write(JSON.stringify(await sendCrowd(JSON.parse(process.argv[2] as string) as Order)));
