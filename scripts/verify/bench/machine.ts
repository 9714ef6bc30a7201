import { execFileSync } from 'node:child_process';
import { cpus, release, totalmem } from 'node:os';
import { availableCpus } from '../../../server/platform/cpus.ts';
import { onnxRuntimeVersion } from '../../../server/platform/install.ts';
import type { Program } from './programs.ts';
import { requireProgram } from './programs.ts';
import type { Machine } from './results.ts';

/** What the numbers of a run depend on beside the code. Call it before any load. */
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

/** Both programs tell their version on one of their outputs; wrk then ends with an error, having printed its usage. */
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
