import { runTool } from '../../cli/tool.ts';
import { simulate } from './simulate.ts';

await runTool(simulate);
