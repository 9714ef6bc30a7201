import { cpSync, mkdtempSync, readFileSync, readdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { needsNginx, nginxMissing } from '../../proxy/testing/nginxMissing.ts';
import { rawRequest } from '../../proxy/testing/rawRequest.ts';
import type { AdultRow } from '../testing/adultRows.ts';
import { readAdultRows } from '../testing/adultRows.ts';
import type { Case } from '../testing/load.ts';
import { LOST_NOTHING, holdRequest, singles, startLoad, together } from '../testing/load.ts';
import { scrape, wentBackwards } from '../testing/scrape.ts';
import { signalIfThere } from '../testing/signalIfThere.ts';
import type { LogLine, Server } from '../testing/startServer.ts';
import { CHECKOUT, withLaunched, withServer } from '../testing/startServer.ts';
import { putVersion, tinyFiles } from '../testing/tinyRepository.ts';
import { eventually } from '../testing/withDeadline.ts';

// Each wait has its own deadline; this one is for a busy machine.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

const MODEL = join(CHECKOUT, 'models/adult/1');

const NO_PROXY = ['--no-install', '--no-proxy'];

/** A drain ends within 10 s; these tests leave a second for a busy machine. */
const DRAIN_MS = 10_000;

let rows: AdultRow[];
/** Mostly single rows, and some requests that keep every thread of a process busy. */
let mixed: Case[];
let folder: string;
beforeAll(() => {
  rows = readAdultRows();
  mixed = [...singles(rows.slice(0, 300)), together(rows.slice(0, 1000)), ...singles(rows.slice(300, 400))];
  folder = mkdtempSync(join(tmpdir(), 'faults-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A repository that holds a copy of the Adult model, to be damaged. */
function copyRepository(name: string): { repository: string; version: string } {
  const repository = join(folder, name);
  const version = join(repository, 'adult/1');
  cpSync(MODEL, version, { recursive: true });
  return { repository, version };
}

const edit = (file: string, change: (text: string) => string): void => {
  const before = readFileSync(file, 'utf8');
  const after = change(before);
  if (after === before) throw new Error(`nothing to change in ${file}`);
  writeFileSync(file, after);
};

const died = (pid: number) => (line: LogLine) =>
  line.msg === 'a server process died' && line['process'] === pid;

/** Waits until this many processes serve, none of them in `without`. */
const serving = (server: Server, count: number, without: readonly number[] = []): Promise<number[]> =>
  eventually(
    `${count} server processes that are ready`,
    async () => {
      const pids = server.serverProcesses();
      const ready = (await scrape(server)).sum('server_processes');
      return ready === count && pids.length === count && !pids.some((pid) => without.includes(pid)) && pids;
    },
    20_000,
  );

/** Stops a process while a thread works, so that there is a request to name. */
async function stopInMidBatch(server: Server, pid: number): Promise<void> {
  const [runtime = ''] = readdirSync(server.tmp);
  const isStopped = (): boolean => / T /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  await eventually(
    'a moment in which a thread works',
    async () => {
      process.kill(pid, 'SIGSTOP');
      await eventually('the process stopped', isStopped);
      const note = readFileSync(join(server.tmp, runtime, `in-flight.${pid}`), 'latin1');
      if (/^[^\n]/.test(note)) return true;
      process.kill(pid, 'SIGCONT');
      return false;
    },
    20_000,
  );
}

// What ends or freezes the primary and nginx under load is in scripts/verify/chaos/chaos.test.ts.

describe.skipIf(nginxMissing)(needsNginx('a server process that is killed'), () => {
  it('loses no request, is replaced and counted, and its requests are named', async () => {
    await withServer({}, async (server) => {
      const { port } = server;
      const load = startLoad({ port, connections: 32, cases: mixed, idPrefix: 'kill' });
      await load.more(300);
      const named: string[] = [];
      const recoveries: number[] = [];
      for (let kills = 1; kills <= 3; kills++) {
        const before = await scrape(server);
        const [victim] = server.serverProcesses() as [number];
        const start = performance.now();
        // Keeps the threads busy, so that the kill interrupts a batch. It is answered before the next kill: a request
        // that two deaths interrupted is not replayed again.
        const cases = [together(rows.slice(0, 4000))];
        const large = startLoad({ port, connections: 4, cases, idPrefix: 'kill-large' });
        await stopInMidBatch(server, victim);
        process.kill(victim, 'SIGKILL');
        const line = await server.says(`the death of ${victim}`, died(victim));
        expect(line).toMatchObject({ level: 50, how: 'SIGKILL', role: 'primary' });
        const requestIds = line['requestIds'] as string[];
        expect(requestIds.length).toBeGreaterThan(0);
        named.push(...requestIds);
        await serving(server, 2, [victim]);
        recoveries.push(Math.round(performance.now() - start));
        const after = await scrape(server);
        expect(wentBackwards(before, after)).toEqual([]);
        expect(after.sum('server_process_restarts_total')).toBe(kills);
        expect(await large.stop()).toMatchObject({ resent: 0, ...LOST_NOTHING });
        await load.more(200);
      }
      expect(await load.stop()).toMatchObject({ resent: 0, refused: 0, ...LOST_NOTHING });
      // Every named request is one of this load.
      expect(named.filter((id) => !/^kill-(?:large-)?\d+$/.test(id))).toEqual([]);
      process.stdout.write(`ready again after a kill: ${recoveries.join(', ')} ms\n`);
      expect((await server.stop()).code).toBe(0);
      expect(await server.leftBehind()).toEqual([]);
    });
  });

  it('keeps its counts, even if all die at the same time', async () => {
    await withServer({ env: { WEB_CONCURRENCY: '4' } }, async (server) => {
      const { port } = server;
      const warm = startLoad({ port, connections: 16, cases: singles(rows.slice(0, 400)), requests: 400 });
      expect((await warm.done).right).toBe(400);
      const before = await scrape(server);
      expect(before.sum('http_requests_total')).toBe(400);
      const victims = server.serverProcesses();
      for (const pid of victims) process.kill(pid, 'SIGKILL');
      await serving(server, 4, victims);
      const after = await scrape(server);
      expect(wentBackwards(before, after)).toEqual([]);
      expect(after.sum('server_process_restarts_total')).toBe(4);
      // The server has recovered.
      const next = await startLoad({ port, connections: 4, cases: mixed, requests: 100 }).done;
      expect(next).toMatchObject({ right: 100, ...LOST_NOTHING });
    });
  });

  it('during a scrape keeps its counts in the answer', async () => {
    await withServer({}, async (server) => {
      const { port } = server;
      const warm = startLoad({ port, connections: 16, cases: singles(rows.slice(0, 400)), requests: 400 });
      expect((await warm.done).right).toBe(400);
      const before = await scrape(server);
      for (const victim of server.serverProcesses()) {
        process.kill(victim, 'SIGSTOP');
        const during = [scrape(server), scrape(server)];
        // The scrapes have arrived once a later request is answered.
        await fetch(`http://127.0.0.1:${server.metricsPort}/`);
        // After two seconds without a reply the primary kills it.
        signalIfThere(victim, 'SIGKILL');
        for (const metrics of await Promise.all(during)) expect(wentBackwards(before, metrics)).toEqual([]);
        await serving(server, 2, [victim]);
        expect(wentBackwards(before, await scrape(server))).toEqual([]);
      }
    });
  });
});

describe.skipIf(nginxMissing)(needsNginx('a server process that is frozen'), () => {
  it('is replaced within seconds, and loses no request: another process answers what it held', async () => {
    await withServer({}, async (server) => {
      const load = startLoad({ port: server.port, connections: 8, cases: singles(rows.slice(0, 200)) });
      await load.more(200);
      const [stopped] = server.serverProcesses() as [number];
      process.kill(stopped, 'SIGSTOP');
      const start = performance.now();
      // A slow process never fails the scrape, which takes its last counts.
      const metrics = await scrape(server);
      expect(metrics.sum('metrics_stale_processes_total')).toBeGreaterThan(0);
      const line = await server.says('the silence', ({ msg }) =>
        msg.startsWith('a server process is silent'),
      );
      expect(line).toMatchObject({ level: 50, pid: server.primary(), process: stopped, silence: 'frozen' });
      const seconds = ((performance.now() - start) / 1000).toFixed(1);
      process.stdout.write(`a frozen process was killed after ${seconds} s\n`);
      await serving(server, 2, [stopped]);
      await load.more(200);
      expect(await load.stop()).toMatchObject({ resent: 0, refused: 0, ...LOST_NOTHING });
      const after = await scrape(server);
      expect(after.sum('server_process_silences_total')).toBe(1);
      expect(after.sum('server_process_restarts_total')).toBe(1);
      expect(after.sum('server_ready')).toBe(1);
      expect((await server.stop()).code).toBe(0);
    });
  });

  it('does not delay the end of the server', async () => {
    await withServer({ env: { DEADLINE_MS: '500' } }, async (server) => {
      process.kill(server.serverProcesses()[0] as number, 'SIGSTOP');
      const { code, ms } = await server.stop();
      expect(code).toBe(0);
      expect(ms).toBeLessThan(DRAIN_MS);
      expect(await server.leftBehind()).toEqual([]);
    });
  });
});

/** The statuses in an access log of nginx: which requests it accepted, and how they ended. */
const logged = (file: string): number[] =>
  readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line.includes('"path":"/predict"'))
    .map((line) => (JSON.parse(line) as { status: number }).status);

describe.skipIf(nginxMissing)(needsNginx('a primary that is frozen'), () => {
  it('delays no request, even if nginx logs many errors meanwhile', async () => {
    await withServer({}, async ({ port, primary }) => {
      const pid = primary();
      process.kill(pid, 'SIGSTOP');
      try {
        // Together several times the size of the pipe to the primary.
        const tooLarge = `POST /${'x'.repeat(1500)} HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\n`;
        for (let count = 0; count < 200; count++) expect((await rawRequest(port, tooLarge)).status).toBe(413);
      } finally {
        process.kill(pid, 'SIGCONT');
      }
    });
  });
});

describe.skipIf(nginxMissing)(needsNginx('TERM'), () => {
  it('under load: every accepted request is answered, code 0, in time, nothing left behind', async () => {
    const accessLog = join(mkdtempSync(join(folder, 'term-')), 'access.log');
    await withServer({ env: { ACCESS_LOG: accessLog } }, async (server) => {
      const { port } = server;
      const load = startLoad({ port, connections: 32, cases: mixed, untilRefused: true });
      // These take long enough to be in flight when the signal comes.
      const large = startLoad({
        port,
        connections: 6,
        cases: [together(rows.slice(0, 10_000))],
        requests: 6,
        idPrefix: 'large',
      });
      await load.more(300);
      const { code, signal, ms } = await server.stop();
      expect({ code, signal }).toEqual({ code: 0, signal: null });
      expect(ms).toBeLessThan(DRAIN_MS);
      const report = await load.stop();
      const largeReport = await large.done;
      expect(report).toMatchObject(LOST_NOTHING);
      expect(largeReport).toMatchObject({ right: 6, resent: 0, ...LOST_NOTHING });
      // nginx logged as many answers as the clients got: no accepted request was dropped.
      const statuses = logged(accessLog);
      expect(statuses.filter((status) => status !== 200)).toEqual([]);
      expect(statuses).toHaveLength(report.right + largeReport.right);
      process.stdout.write(`TERM under load: ended after ${Math.round(ms)} ms\n`);
      expect(await server.leftBehind()).toEqual([]);
    });
  });

  it('while the server is starting ends it at once', async () => {
    // At the very start, once the primary runs, and once it has forked.
    const moments: ((server: Server) => boolean)[] = [
      ({ processes }) => processes().length > 0,
      ({ primary }) => primary() > 0,
      ({ serverProcesses }) => serverProcesses().length > 0,
    ];
    for (const moment of moments) {
      await withLaunched({}, async (server) => {
        const reached = (): boolean => {
          try {
            return moment(server);
          } catch {
            return false;
          }
        };
        await eventually('the moment to stop it', reached, 20_000);
        const { ms } = await server.stop();
        expect(ms).toBeLessThan(5000);
        expect(await server.leftBehind()).toEqual([]);
        expect(server.said()).not.toContain('ready on');
      });
    }
  });
});

describe('TERM without a proxy', () => {
  it('finishes the requests in flight, code 0, in time, nothing left behind', async () => {
    await withServer({ args: NO_PROXY }, async (server) => {
      const { port } = server;
      const [single] = singles(rows) as [Case];
      const held = Array.from({ length: 8 }, () => holdRequest(port, single));
      const large = startLoad({
        port,
        connections: 4,
        cases: [together(rows.slice(0, 10_000))],
        requests: 4,
      });
      const underWay = async (): Promise<number> => (await scrape(server)).sum('http_requests_in_flight');
      await eventually('eight requests under way', async () => (await underWay()) >= 8);
      const ended = server.stop();
      await server.says('the drain', ({ msg }) => msg === 'draining');
      const answers = await Promise.all(held.map((request) => request.finish()));
      expect(answers).toEqual(held.map(() => [200, single.answer]));
      expect(await large.done).toMatchObject({ right: 4, resent: 0, ...LOST_NOTHING });
      const { code, ms } = await ended;
      expect(code).toBe(0);
      expect(ms).toBeLessThan(DRAIN_MS);
      expect(await server.leftBehind()).toEqual([]);
    });
  });

  it('during a reload finishes the requests of the old processes', async () => {
    await withServer({ args: NO_PROXY }, async (server) => {
      const [single] = singles(rows) as [Case];
      const held = Array.from({ length: 8 }, () => holdRequest(server.port, single));
      const underWay = async (): Promise<number> => (await scrape(server)).sum('http_requests_in_flight');
      await eventually('eight requests under way', async () => (await underWay()) === 8);
      server.signal('SIGHUP');
      // Once the first successor is ready, its predecessor drains.
      const successor = async (): Promise<boolean> => (await scrape(server)).sum('model_ready') > 2;
      await eventually('a successor that is ready', successor, 20_000);
      const ended = server.stop();
      await server.says('the drain', ({ msg }) => msg === 'draining');
      const answers = await Promise.allSettled(held.map((request) => request.finish()));
      expect(answers).toEqual(held.map(() => ({ status: 'fulfilled', value: [200, single.answer] })));
      expect((await ended).code).toBe(0);
      expect(await server.leftBehind()).toEqual([]);
    });
  });
});

describe.skipIf(nginxMissing)(needsNginx('HUP'), () => {
  it('under load replaces every process and loses no request', async () => {
    await withServer({}, async (server) => {
      const old = server.serverProcesses();
      const before = await scrape(server);
      const load = startLoad({ port: server.port, connections: 32, cases: mixed });
      await load.more(300);
      server.signal('SIGHUP');
      await server.says('the end of the reload', ({ msg }) => msg === 'reload ended', 30_000);
      expect(await serving(server, 2, old)).toHaveLength(2);
      await load.more(300);
      expect(await load.stop()).toMatchObject({ resent: 0, refused: 0, ...LOST_NOTHING });
      const after = await scrape(server);
      expect(wentBackwards(before, after)).toEqual([]);
      // A requested replacement is no restart.
      expect(after.sum('server_process_restarts_total')).toBe(0);
      // nginx logs each kept connection that was closed during a request, which it then sends to another process.
      const ours = server.lines().filter(({ level, role }) => level >= 40 && role !== 'nginx');
      expect(ours).toEqual([]);
    });
  });

  it('during the replacement of a process replaces that one, too', async () => {
    await withServer({}, async (server) => {
      const old = server.serverProcesses();
      process.kill(old[0] as number, 'SIGKILL');
      const starting = await eventually('its successor', () =>
        server.serverProcesses().find((pid) => !old.includes(pid)),
      );
      server.signal('SIGHUP');
      await server.says('the end of the reload', ({ msg }) => msg === 'reload ended', 30_000);
      expect(await serving(server, 2, [...old, starting])).toHaveLength(2);
    });
  });

  it('with a model that has become bad keeps the old processes, and works once the model is good', async () => {
    const { repository, version } = copyRepository('turned-bad');
    await withServer({ env: { MODEL_REPOSITORY: repository } }, async (server) => {
      const old = server.serverProcesses();
      const load = startLoad({ port: server.port, connections: 8, cases: mixed });
      await load.more(100);
      truncateSync(join(version, 'model.onnx'), 1_000_000);
      server.signal('SIGHUP');
      const line = await server.says('the refusal', ({ msg }) => msg.startsWith('reload stopped'), 20_000);
      expect(line).toMatchObject({
        level: 50,
        reason: expect.stringContaining('checksum_mismatch') as string,
      });
      await server.says('the end of the reload', ({ msg }) => msg === 'reload ended');
      await load.more(200);
      expect(await serving(server, 2)).toEqual(old);

      cpSync(join(MODEL, 'model.onnx'), join(version, 'model.onnx'));
      server.signal('SIGHUP');
      await serving(server, 2, old);
      expect(await load.stop()).toMatchObject({ resent: 0, refused: 0, ...LOST_NOTHING });
      expect((await server.stop()).code).toBe(0);
    });
  });
});

describe.skipIf(nginxMissing)(needsNginx('a model whose files turn bad while it is served'), () => {
  const ask = async (server: Server, model: string, body: string): Promise<number> => {
    const response = await fetch(`http://127.0.0.1:${server.port}/models/${model}/predict`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
    });
    await response.arrayBuffer();
    return response.status;
  };
  const askTiny = (server: Server): Promise<number> => ask(server, 'tiny', '{"columns":["x"],"data":[[1]]}');

  it('is the only one that fails: processes that start without it serve the others', async () => {
    const { repository } = copyRepository('bad-later');
    putVersion(repository, 'tiny/1', tinyFiles(1));
    const env = { MODEL_REPOSITORY: repository, MODEL_POLL_MS: '0', DEFAULT_MODEL: 'adult' };
    await withServer({ env }, async (server) => {
      const { port } = server;
      const load = startLoad({ port, connections: 4, cases: singles(rows.slice(0, 100)) });
      writeFileSync(join(repository, 'tiny/1/model.onnx'), 'no model');
      const [first] = server.serverProcesses() as [number];
      process.kill(first, 'SIGKILL');
      await server.says('what it lacks', ({ msg }) => msg === 'a process serves without a version', 20_000);
      const left = await serving(server, 2, [first]);
      // Either process may answer: one has it in memory, the other one answers 503.
      const statuses = new Set<number>();
      await eventually('both kinds of answers', async () => {
        statuses.add(await askTiny(server));
        return statuses.size === 2;
      });
      expect([...statuses].sort()).toEqual([200, 503]);
      await load.more(100);
      expect(await load.stop()).toMatchObject({ resent: 0, refused: 0, ...LOST_NOTHING });

      for (const pid of left) process.kill(pid, 'SIGKILL');
      await serving(server, 2, left);
      expect(await askTiny(server)).toBe(404);
      const next = await startLoad({ port, connections: 4, cases: mixed, requests: 50 }).done;
      expect(next).toMatchObject({ right: 50, ...LOST_NOTHING });

      putVersion(repository, 'tiny/1', tinyFiles(1));
      server.signal('SIGHUP');
      await server.says('the end of the reload', ({ msg }) => msg === 'reload ended', 30_000);
      for (let asked = 0; asked < 8; asked++) expect(await askTiny(server)).toBe(200);
      expect((await server.stop()).code).toBe(0);
    });
  });
});

describe('a model that cannot be served ends the start with one clear line', () => {
  const SHA = /"sha256": "[0-9a-f]{64}"/;
  const without = (name: string): string => join(folder, name);

  it.each<[title: string, make: () => string, reason: RegExp]>([
    [
      'a truncated model.onnx',
      () => {
        const { repository, version } = copyRepository('truncated');
        truncateSync(join(version, 'model.onnx'), 1_000_000);
        edit(join(version, 'model.json'), (text) => text.replace(SHA, '"framework_version": ""'));
        edit(join(version, 'model.json'), (text) => text.replace('"framework_version": "",', ''));
        return repository;
      },
      /^model adult\/1 refused: .*\(model_unreadable\)$/,
    ],
    [
      'a wrong sha256',
      () => {
        const { repository, version } = copyRepository('checksum');
        edit(join(version, 'model.json'), (text) => text.replace(SHA, `"sha256": "${'0'.repeat(64)}"`));
        return repository;
      },
      /^model adult\/1 refused: .*sha256.*\(checksum_mismatch\)$/,
    ],
    [
      'a golden row that comes out differently',
      () => {
        const { repository, version } = copyRepository('golden');
        edit(join(version, 'golden.json'), (text) =>
          text.replace(/("predictions": \[\s*)" <=50K"/, '$1" >50K"'),
        );
        return repository;
      },
      /^model adult\/1 refused: .*golden.*\(golden_mismatch\)$/,
    ],
    [
      'a signature that feeds an input which the graph does not have',
      () => {
        const { repository, version } = copyRepository('signature');
        edit(join(version, 'model.json'), (text) =>
          text.replace('"onnx": "education_num"', '"onnx": "nothing"'),
        );
        return repository;
      },
      /^model adult\/1 refused: .*\(signature_mismatch\)$/,
    ],
    [
      'a signature whose type is not the graph’s',
      () => {
        const { repository, version } = copyRepository('type');
        edit(join(version, 'model.json'), (text) => {
          const signature = JSON.parse(text) as { inputs: object[] };
          signature.inputs[0] = { name: 'age', onnx: 'age', type: 'string', nullable: false };
          return JSON.stringify(signature);
        });
        // Rows that don't fit such a signature are refused earlier, with another reason.
        for (const rows of ['golden.json', 'background.json']) rmSync(join(version, rows));
        return repository;
      },
      /^model adult\/1 refused: .*\(signature_mismatch\)$/,
    ],
    [
      'a model.json that is no JSON',
      () => {
        const { repository, version } = copyRepository('json');
        writeFileSync(join(version, 'model.json'), '{');
        return repository;
      },
      /^model adult\/1 refused: model\.json is not valid JSON$/,
    ],
    ['a repository that is missing', () => without('nowhere'), /^model repository refused: .* \(ENOENT\)$/],
  ])('%s', async (_, make, reason) => {
    await withLaunched({ env: { MODEL_REPOSITORY: make() }, args: NO_PROXY }, async (server) => {
      const { code, ms } = await server.ended(30_000);
      expect(code).toBe(1);
      // This time may include the build of another start.
      expect(ms).toBeLessThan(20_000);
      const logged = server.lines().filter(({ level }) => level >= 40);
      expect(logged.map(({ msg }) => msg)).toEqual([expect.stringMatching(reason)]);
      expect(server.said()).not.toMatch(/\n\s+at /);
      expect(await server.leftBehind()).toEqual([]);
    });
  });
});

describe('a server process that never becomes ready', () => {
  it('is started five times, with backoff, then the server ends with the reason', async () => {
    const preload = join(folder, 'dies.cjs');
    writeFileSync(
      preload,
      'if (process.env.SERVEMODEL_SLOT !== undefined) process.kill(process.pid, "SIGKILL");\n',
    );
    const options = {
      env: { NODE_OPTIONS: `--require ${preload}`, WEB_CONCURRENCY: '1' },
      args: NO_PROXY,
    };
    await withLaunched(options, async (server) => {
      const { code } = await server.ended(40_000);
      expect(code).toBe(1);
      const tries = server.lines().filter(({ msg }) => msg === 'a server process did not start');
      expect(tries.map(({ failures }) => failures)).toEqual([1, 2, 3, 4]);
      const pauses = tries
        .map(({ time }) => Date.parse(time as string))
        .map((time, index, times) => time - (times[index - 1] ?? time))
        .slice(1);
      expect(pauses.every((pause, index) => pause >= 100 * 2 ** (index + 1))).toBe(true);
      expect(server.lines().filter(({ level }) => level === 60)).toMatchObject([
        { msg: 'a server process ended with SIGKILL before it was ready' },
      ]);
      expect(await server.leftBehind()).toEqual([]);
    });
  });
});

describe.skipIf(nginxMissing)(needsNginx('the end of'), () => {
  it('several nginx with frozen workers takes no longer than that of one', async () => {
    await withServer({}, async (server) => {
      const clients: Socket[] = [];
      try {
        for (let ends = 1; ends <= 2; ends++) {
          const master = await eventually('nginx, accepting', async () => {
            const { ok } = await fetch(`http://127.0.0.1:${server.port}/health/ready`).catch(() => ({
              ok: false,
            }));
            return ok && server.nginx();
          });
          const workers = readFileSync(`/proc/${master}/task/${master}/children`, 'utf8').trim().split(' ');
          // A request whose body doesn't end keeps one worker.
          const client = connect(server.port, '127.0.0.1').on('error', () => undefined);
          clients.push(client);
          client.write(
            'POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\nExpect: 100-continue\r\n\r\n',
          );
          await once(client, 'data');
          process.kill(master, 'SIGKILL');
          const isLogged = (): boolean =>
            (server.said().match(/nginx was started again/g) ?? []).length === ends;
          await eventually('another nginx', isLogged);
          const old = await eventually('the one worker', () => {
            const living = server.processes().filter((pid) => workers.includes(String(pid)));
            return living.length === 1 && living;
          });
          process.kill(old[0] as number, 'SIGSTOP');
        }
        const { code, ms } = await server.stop();
        expect(code).toBe(0);
        expect(ms).toBeLessThan(DRAIN_MS);
        expect(await server.leftBehind()).toEqual([]);
      } finally {
        for (const client of clients) client.destroy();
      }
    });
  });

  it('nginx in a crash loop ends everything with an exit code', async () => {
    await withServer({}, async (server) => {
      for (let ends = 1; ends <= 5; ends++) {
        const nginx = await eventually('nginx', () => {
          try {
            return server.nginx();
          } catch {
            return undefined;
          }
        });
        process.kill(nginx, ends % 2 === 0 ? 'SIGTERM' : 'SIGKILL');
        const isLogged = (): boolean => (server.said().match(/nginx ended with code/g) ?? []).length === ends;
        await eventually('its end', isLogged);
      }
      const { code } = await server.ended();
      expect(code).toBe(137);
      expect(await server.leftBehind()).toEqual([]);
    });
  });
});
