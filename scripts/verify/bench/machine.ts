import { execFileSync } from 'node:child_process';
import { cpus, release, totalmem } from 'node:os';
import { availableCpus } from '../../../server/platform/cpus.ts';
import { onnxRuntimeVersion } from '../../../server/platform/install.ts';
import type { Program } from './programs.ts';
import { requireProgram } from './programs.ts';
import type { Machine } from './results.ts';

/** What the figures depend on beside the code. To be called before any load. */
export function describeMachine(): Machine {
  return {
    cpuModel: cpus()[0]?.model ?? 'unknown',
    cpus: availableCpus(),
    memoryBytes: totalmem(),
    kernel: release(),
    versions: {
      node: process.versions.node,
      onnxruntime: onnxRuntimeVersion(),
      nginx: versionOf('nginx', /nginx\/([\d.]+)/),
      wrk: versionOf('wrk', /^wrk (\S+)/),
    },
  };
}

/** Both programs print their version, on stdout or stderr. wrk then prints its usage and ends with an error. */
function versionOf(program: Program, pattern: RegExp): string {
  return pattern.exec(outputOf(requireProgram(program)))?.[1] ?? 'unknown';
}

function outputOf(path: string): string {
  try {
    return execFileSync('/bin/sh', ['-c', 'exec "$0" -v 2>&1', path], { encoding: 'utf8' });
  } catch (error) {
    return (error as { stdout?: string }).stdout ?? '';
  }
}
