import { runTool } from '../../cli/tool.ts';
import { chaos } from './chaos.ts';

await runTool(chaos);
