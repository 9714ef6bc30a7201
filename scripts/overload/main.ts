import { runTool } from '../calls/run.ts';
import { overload } from './overload.ts';

await runTool(overload);
