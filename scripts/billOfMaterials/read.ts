import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { readFile, readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { fromHome } from '../../server/project.ts';
import { Failure } from '../versions/failure.ts';
import type { Bill, ShippedModel } from './bill.ts';
import { completeBill } from './bill.ts';

// All that is installed, to be filtered: with --omit=dev npm 11 leaves out whatever development needs, too.
const NPM = ['sbom', '--sbom-format=cyclonedx', '--loglevel=error'];
/** Of npm's output. */
const MAX_BYTES = 64 * 1024 * 1024;

interface LockedPackage {
  readonly version: string;
  readonly dev?: boolean;
  /** Of a package's builds for many platforms, only this one's is installed. */
  readonly optional?: boolean;
}

/** `name@version` of what package-lock.json says that the image holds. */
export function readShipped(): ReadonlySet<string> {
  const { packages } = JSON.parse(readFileSync(fromHome('package-lock.json'), 'utf8')) as {
    readonly packages: Readonly<Record<string, LockedPackage>>;
  };
  const shipped = Object.entries(packages).filter(
    ([path, { dev, optional }]) => path !== '' && !dev && (!optional || existsSync(fromHome(path))),
  );
  const nameOf = (path: string): string =>
    path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);
  return new Set(shipped.map(([path, { version }]) => `${nameOf(path)}@${version}`));
}

async function readPackages(): Promise<Bill> {
  try {
    const { stdout } = await promisify(execFile)('npm', NPM, { cwd: fromHome('.'), maxBuffer: MAX_BYTES });
    return JSON.parse(stdout) as Bill;
  } catch (error) {
    throw new Failure(
      `npm sbom failed (it needs npm 10 or newer): ${(error as Error).message.split('\n')[0]}`,
    );
  }
}

async function readModels(): Promise<ShippedModel[]> {
  const models: ShippedModel[] = [];
  const folder = fromHome('models');
  const files = await readdir(folder, { recursive: true });
  for (const file of files.filter((name) => /^[^/]+\/\d+\/model\.onnx$/.test(name))) {
    const sha256 = createHash('sha256')
      .update(await readFile(join(folder, file)))
      .digest('hex');
    const signature = JSON.parse(await readFile(join(folder, dirname(file), 'model.json'), 'utf8')) as {
      readonly description?: string;
    };
    models.push({ id: dirname(file), sha256, description: signature.description });
  }
  return models.toSorted((a, b) => (a.id < b.id ? -1 : 1));
}

/** The bill of what the image holds of ours: npm's packages, as installed, and the models. @throws {Failure} */
export const readBill = async (): Promise<Bill> =>
  completeBill(await readPackages(), 'servemodel', readShipped(), await readModels());
