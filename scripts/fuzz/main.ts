import { runTool } from '../calls/run.ts';
import { fuzz } from './fuzz.ts';

await runTool(fuzz);
