import type { CallOrder } from './caller.ts';
import { sendCalls } from './caller.ts';

// A program of its own, so that its CPU time isn't the bench's: the argument is an order, the output the outcome.
process.stdout.write(JSON.stringify(await sendCalls(JSON.parse(process.argv[2] as string) as CallOrder)));
