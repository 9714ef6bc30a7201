import { runTool } from '../../cli/tool.ts';
import { fuzz } from './fuzz.ts';

await runTool(fuzz);
