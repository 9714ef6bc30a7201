import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** The programs of scripts/testing/openapi-requirements.txt, which scripts/test.sh installs. */
const folder = process.env['OPENAPI_TOOLS'] ?? '';

/** Why tests that need them can't run here, or undefined where they can. */
export const openapiToolsMissing: string | undefined = existsSync(join(folder, 'schemathesis'))
  ? undefined
  : 'skipped, OPENAPI_TOOLS is no folder with schemathesis: ./scripts/test.sh makes it';

/** A test's title that carries the reason when it is skipped. */
export const needsOpenapiTools = (title: string): string =>
  openapiToolsMissing ? `${title} (${openapiToolsMissing})` : title;

/** The path of one of the programs: `python`, `schemathesis`, … */
export const openapiTool = (name: string): string => join(folder, name);
