import { runTool } from '../../cli/tool.ts';
import { loadtest } from './loadtest.ts';

await runTool(loadtest);
