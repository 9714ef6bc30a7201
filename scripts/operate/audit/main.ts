import { runTool } from '../../cli/tool.ts';
import { audit } from './audit.ts';

await runTool(audit);
