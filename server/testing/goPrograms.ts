import { spawnSync } from 'node:child_process';

/** Programs that scripts/test.sh builds from their published sources, where there is Go. */
export type GoProgram =
  'compose-spec' | 'ghz' | 'grpcurl' | 'kubeconform' | 'kustomize' | 'otelcol' | 'versitygw';

/** Why tests that need these programs can't run here, or undefined where they can. */
export function goProgramMissing(...programs: readonly GoProgram[]): string | undefined {
  const missing = programs.find((program) => spawnSync(program, ['--help']).error);
  return missing && `skipped, ${missing} is missing: ./scripts/test.sh builds it where there is Go`;
}
