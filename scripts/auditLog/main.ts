import { runTool } from '../calls/run.ts';
import { audit } from './audit.ts';

await runTool(audit);
