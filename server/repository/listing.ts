import { createHash } from 'node:crypto';
import { ModelRefused } from '../model/refused.ts';
import type { Preferences } from './preferences.ts';

/** A version folder that a repository holds, before anybody has looked into its files. */
export interface Candidate {
  readonly name: string;
  readonly version: number;
  /** `<name>/<version>`. */
  readonly id: string;
  /** Tells contents of one version apart: names, sizes and times of its files, or digests where S3 has them. */
  readonly fingerprint: string;
  /** Where its files lie, and the folder that none of them may lead out of. */
  readonly folder: string;
  readonly root: string;
}

/** What a repository holds at a moment. */
export interface Listing {
  /** By name, then by version. */
  readonly candidates: readonly Candidate[];
  readonly preferences: Preferences;
  /** What looks like a model and can't be one, for its name: a line for each. */
  readonly strays?: readonly string[];
}

/** The files of a version that are read; others may lie beside them. */
export const VERSION_FILES = ['model.onnx', 'model.json', 'golden.json'] as const;

/** Model and version names become labels of metrics, parts of URLs and of header values. */
const MODEL_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
const VERSION = /^[1-9]\d{0,8}$/;

/** What identifies one content of one version. */
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

/** The number that a folder's name is; undefined when it is no version. */
export const versionOf = (name: string): number | undefined =>
  VERSION.test(name) ? Number(name) : undefined;

export const byNameAndVersion = (
  a: Pick<Candidate, 'name' | 'version'>,
  b: Pick<Candidate, 'name' | 'version'>,
): number => (a.name < b.name ? -1 : a.name > b.name ? 1 : a.version - b.version);

export const digestOf = (text: string): string =>
  createHash('sha256').update(text).digest('hex').slice(0, 16);
