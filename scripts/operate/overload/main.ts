import { runTool } from '../../cli/tool.ts';
import { overload } from './overload.ts';

await runTool(overload);
