import { runTool } from '../../cli/tool.ts';
import { replay } from './replay.ts';

await runTool(replay);
