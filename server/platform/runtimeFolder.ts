import { join } from 'node:path';

export const inFlightPath = (runtime: string, pid: number): string => join(runtime, `in-flight.${pid}`);

/** The socket of a server process, by its slot. */
export const socketPath = (runtime: string, slot: number): string => join(runtime, `process-${slot}.sock`);

/** The socket on which nginx reports its counts to the primary: in a folder that other users can't enter. */
export const statusPath = (runtime: string): string => join(runtime, 'own', 'nginx.sock');
