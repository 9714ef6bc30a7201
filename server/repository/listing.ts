import { createHash } from 'node:crypto';
import { ModelRefused } from '../model/refused.ts';
import type { Preferences } from './preferences.ts';

/** A version folder that a repository holds, before its files are read. */
export interface Candidate {
  readonly name: string;
  readonly version: number;
  /** `<name>/<version>`. */
  readonly id: string;
  /** Identifies one content of a version: names, sizes and times of its files, or S3's digests. */
  readonly fingerprint: string;
  /** The folder of its files, and the folder that no link among them may leave. */
  readonly folder: string;
  readonly root: string;
}

/** What a repository holds at one time. */
export interface Listing {
  /** By name, then by version. */
  readonly candidates: readonly Candidate[];
  readonly preferences: Preferences;
  /** Folders that can't be models for their names: a line for each. */
  readonly strays?: readonly string[];
}

/** The files of a version that are read; other files are ignored. */
export const VERSION_FILES = ['model.onnx', 'model.json', 'golden.json', 'background.json'] as const;

/** Model names and versions become labels of metrics, and parts of URLs and header values. */
const MODEL_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
const VERSION = /^[1-9]\d{0,8}$/;

/** Identifies one content of one version. */
export const keyOf = ({ id, fingerprint }: Pick<Candidate, 'id' | 'fingerprint'>): string =>
  `${id}@${fingerprint}`;

/** Why a name can't be a label of metrics or a part of a URL; undefined when it can. */
export function nameFault(name: string): ModelRefused | undefined {
  if (MODEL_NAME.test(name)) return undefined;
  return new ModelRefused(
    name.replace(/[\p{C}\p{Z}]/gu, ' ').slice(0, 64),
    'a model name has 1 to 64 letters, digits, dots, dashes and underscores',
  );
}

/** @throws {ModelRefused} */
export function requireModelName(name: string): void {
  const fault = nameFault(name);
  if (fault) throw fault;
}

/** A folder's name as a version number; undefined when it is none. */
export const versionOf = (name: string): number | undefined =>
  VERSION.test(name) ? Number(name) : undefined;

export const byNameAndVersion = (
  a: Pick<Candidate, 'name' | 'version'>,
  b: Pick<Candidate, 'name' | 'version'>,
): number => (a.name < b.name ? -1 : a.name > b.name ? 1 : a.version - b.version);

export const digestOf = (text: string): string =>
  createHash('sha256').update(text).digest('hex').slice(0, 16);
