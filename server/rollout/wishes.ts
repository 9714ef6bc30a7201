import { parsePins } from '../settings/pins.ts';
import type { Config } from '../settings/settings.ts';
import type { Wishes } from './plan.ts';

/** Ids of the versions that are scored off the path. */
export const shadowsOf = ({ SHADOW }: Pick<Config, 'SHADOW'>): string[] =>
  SHADOW.split(',').flatMap((id) => id.trim() || []);

/** What settings say about what is served. */
export const wishesOf = (
  config: Pick<Config, 'DEFAULT_MODEL' | 'MODEL_VERSIONS' | 'OPEN_VERSIONS' | 'SHADOW'>,
): Wishes => ({
  defaultModel: config.DEFAULT_MODEL,
  pins: parsePins(config.MODEL_VERSIONS) ?? new Map(),
  shadows: shadowsOf(config),
  openVersions: config.OPEN_VERSIONS,
});
