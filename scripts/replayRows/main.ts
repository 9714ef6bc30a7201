import { runTool } from '../calls/run.ts';
import { replay } from './replay.ts';

await runTool(replay);
