import { readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { expect, it } from 'vitest';
import { fromHome } from '../../../server/platform/install.ts';
import { generateCheck } from './generate.ts';

const schema = JSON.parse(readFileSync(fromHome('models/model.schema.json'), 'utf8')) as object;

it('the check of model.json is as its schema says', () => {
  const written = readFileSync(fromHome('server/loading/modelJson.generated.ts'), 'utf8');
  expect(written === generateCheck(schema)).toBe(true);
});

it('the schema is one', () => {
  expect(new Ajv2020().validateSchema(schema)).toBe(true);
});

it('keeps properties that are called as what is left out', () => {
  const code = generateCheck({
    type: 'object',
    required: ['title'],
    properties: { title: { type: 'string' } },
  });
  expect(code).toContain('data.title');
});

it('refuses a schema that needs Ajv at run time', () => {
  expect(() => generateCheck({ type: 'array', items: { type: 'object' }, uniqueItems: true })).toThrow(
    /more of Ajv/,
  );
});
