import { runTool } from '../calls/run.ts';
import { chaos } from './chaos.ts';

await runTool(chaos);
