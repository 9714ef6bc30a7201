import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { readFile, readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { fromHome } from '../../../server/platform/install.ts';
import { Failure } from '../../cli/faults.ts';
import type { Bill, Platform, ShippedModel } from './bill.ts';
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

/** The folders of what package-lock.json says that the image holds, each with its `name@version`. */
function readFolders(): ReadonlyMap<string, string> {
  const { packages } = JSON.parse(readFileSync(fromHome('package-lock.json'), 'utf8')) as {
    readonly packages: Readonly<Record<string, LockedPackage>>;
  };
  const shipped = Object.entries(packages).filter(
    ([path, { dev, optional }]) => path !== '' && !dev && (!optional || existsSync(fromHome(path))),
  );
  const nameOf = (path: string): string =>
    path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);
  return new Map(shipped.map(([path, { version }]) => [path, `${nameOf(path)}@${version}`]));
}

/** `name@version` of what package-lock.json says that the image holds. */
export const readShipped = (): ReadonlySet<string> => new Set(readFolders().values());

/** Those of them that bring no file with the text of their licence. */
export function readWithoutText(): ReadonlySet<string> {
  const hasText = (path: string): boolean =>
    readdirSync(fromHome(path)).some((file) => /^(?:licen[cs]e|copying)/i.test(file));
  return new Set([...readFolders()].flatMap(([path, name]) => (hasText(path) ? [] : [name])));
}

/** What the Dockerfile puts under all of it. @throws {Failure} */
export function readPlatform(): Platform {
  const text = readFileSync(fromHome('Dockerfile'), 'utf8');
  const image = /^ARG BASE=(\S+)$/m.exec(text)?.[1];
  const debian = /apt-get install --yes --no-install-recommends ([a-z0-9 .+-]+) \\$/m.exec(text)?.[1];
  if (image === undefined || debian === undefined)
    throw new Failure("the Dockerfile doesn't name its base image and Debian's packages as expected");
  return { image, debian: debian.split(' ') };
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

/** The bill of what the image holds: npm's packages, as installed, the models, and what they stand on. @throws {Failure} */
export const readBill = async (): Promise<Bill> =>
  completeBill(await readPackages(), 'servemodel', readShipped(), await readModels(), readPlatform());
