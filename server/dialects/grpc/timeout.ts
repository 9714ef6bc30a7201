import { Problem } from '../../errors/problem.ts';

const UNIT_MS: Readonly<Record<string, number>> = {
  H: 3_600_000,
  M: 60_000,
  S: 1000,
  m: 1,
  u: 1e-3,
  n: 1e-6,
};

/** The header `grpc-timeout` in milliseconds; undefined without it. @throws {Problem} invalid_parameter */
export function readGrpcTimeout(header: string | undefined): number | undefined {
  if (header === undefined) return undefined;
  const [, digits, unit = ''] = /^(\d{1,8})([HMSmun])$/.exec(header) ?? [];
  if (digits === undefined)
    throw new Problem('invalid_parameter', {
      detail: 'grpc-timeout must be digits and a unit, such as 250m.',
    });
  return Number(digits) * (UNIT_MS[unit] as number);
}
