import { runTool } from '../calls/run.ts';
import { loadtest } from './loadtest.ts';

await runTool(loadtest);
