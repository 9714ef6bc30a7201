import { chown } from 'node:fs/promises';
import { join } from 'node:path';
import type { ProxySettings } from '../render.ts';
import { makeRuntime, type Proxy, type ProxyOptions, settingsFor, startProxy } from './startProxy.ts';
import { startUpstream, type Upstream } from './startUpstream.ts';

export interface Chain {
  readonly proxy: Proxy;
  readonly upstreams: readonly Upstream[];
  readonly runtime: string;
}

interface ChainOptions extends Partial<ProxySettings>, ProxyOptions {
  /** Fake server processes. */
  readonly processes?: number;
  /** Part of the runtime folder's name. */
  readonly folder?: string;
}

/** Runs a test against a real nginx before fake server processes, and ends all of them. */
export async function withChain(options: ChainOptions, run: (chain: Chain) => Promise<void>): Promise<void> {
  const chain = await startChain(options);
  try {
    await run(chain);
  } finally {
    await chain.stop();
  }
}

/** As `withChain`, for tests that share one: the caller stops it. */
export async function startChain({
  processes = 1,
  folder,
  edit,
  uid,
  ...changes
}: ChainOptions): Promise<Chain & { stop: () => Promise<void> }> {
  const runtime = await makeRuntime(folder);
  const sockets = Array.from({ length: processes }, (_, index) => join(runtime.path, `${index}.sock`));
  const upstreams = await Promise.all(sockets.map((socket) => startUpstream(socket)));
  if (uid !== undefined)
    for (const path of [runtime.path, join(runtime.path, 'own'), ...sockets]) await chown(path, uid, uid);
  const stopUpstreams = (): Promise<unknown> => Promise.all(upstreams.map((upstream) => upstream.stop()));
  try {
    const proxy = await startProxy(settingsFor(runtime.path, { sockets, ...changes }), { edit, uid });
    return {
      proxy,
      upstreams,
      runtime: runtime.path,
      stop: async () => {
        // The processes first: nginx's graceful end waits for their answers.
        await stopUpstreams();
        await proxy.stop();
        await runtime.remove();
      },
    };
  } catch (error) {
    await stopUpstreams();
    await runtime.remove();
    throw error;
  }
}
