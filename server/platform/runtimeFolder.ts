import { join } from 'node:path';

export const inFlightPath = (runtime: string, pid: number): string => join(runtime, `in-flight.${pid}`);

/** The socket of a server process, by its slot. */
export const socketPath = (runtime: string, slot: number): string => join(runtime, `process-${slot}.sock`);

/** Where nginx tells the primary its own counts: beside nothing that its workers, or anybody else, could reach. */
export const statusPath = (runtime: string): string => join(runtime, 'own', 'nginx.sock');
