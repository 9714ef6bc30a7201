import { readFileSync } from 'node:fs';
import { generateCheck } from './generate.ts';

// From stdin to stdout: the compiled file knows no path of the project.
process.stdout.write(generateCheck(JSON.parse(readFileSync(0, 'utf8')) as object));
