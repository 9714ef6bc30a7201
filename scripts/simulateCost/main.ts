import { runTool } from '../calls/run.ts';
import { simulate } from './simulate.ts';

await runTool(simulate);
