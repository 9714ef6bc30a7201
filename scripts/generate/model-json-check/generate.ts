import { Ajv2020 } from 'ajv/dist/2020.js';
import standalone from 'ajv/dist/standalone/index.js';

/** Keywords for readers, which check nothing. */
const FOR_READERS: readonly string[] = ['$schema', 'title', 'description', 'examples', 'default'];

/** A schema without keywords for readers. The names of properties are no keywords. */
function bare(schema: unknown, areNames = false): unknown {
  if (Array.isArray(schema)) return schema.map((part) => bare(part));
  if (typeof schema !== 'object' || schema === null) return schema;
  return Object.fromEntries(
    Object.entries(schema)
      .filter(([name]) => areNames || !FOR_READERS.includes(name))
      .map(([name, part]) => [name, bare(part, !areNames && (name === 'properties' || name === '$defs'))]),
  );
}

/** The only thing that the code would need of Ajv at run time: characters, as JSON Schema counts them. */
const LENGTH = 'require("ajv/dist/runtime/ucs2length").default';
const OWN_LENGTH = '(text) => Array.from(text).length';

/**
 * The check of a JSON Schema as TypeScript: loading Ajv and compiling the schema at a start takes longer than reading a model.
 *
 * @throws {Error} if the schema uses what needs more of Ajv
 */
export function generateCheck(schema: object): string {
  const ajv = new Ajv2020({
    strict: true,
    strictRequired: false,
    strictTypes: false,
    allowUnionTypes: true,
    code: { source: true, esm: true, lines: true },
  });
  // A compiled function beside its source: Ajv's types know it as a module of CommonJS.
  const toSource = standalone as unknown as (from: Ajv2020, check: unknown) => string;
  const code = toSource(ajv, ajv.compile(bare(schema) as object)).replaceAll(LENGTH, OWN_LENGTH);
  if (code.includes('require(')) throw new Error('the check needs more of Ajv than can be left out');
  return `// Made from models/model.schema.json by scripts/generate/model-json-check.\n// @ts-nocheck\n${code}`;
}
