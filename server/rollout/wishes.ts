import type { Config } from '../settings/settings.ts';
import type { Wishes } from './plan.ts';

/** What the settings say about the served versions. */
export const wishesOf = (
  config: Pick<Config, 'DEFAULT_MODEL' | 'MODEL_CONTROL' | 'MODEL_VERSIONS' | 'OPEN_VERSIONS' | 'SHADOW'>,
): Wishes => ({
  defaultModel: config.DEFAULT_MODEL,
  pins: config.MODEL_VERSIONS,
  shadows: config.SHADOW,
  openVersions: config.OPEN_VERSIONS,
  mayStartEmpty: config.MODEL_CONTROL === 'explicit',
});
