import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ORDER_MS } from '../server/rollout/orders.ts';
import { type ProxySettings, renderProxy } from './render.ts';
import { needsNginx, nginxMissing } from './testing/nginxMissing.ts';
import { checkProxy, makeRuntime, readTemplate, settingsFor } from './testing/startProxy.ts';

const SETTINGS: ProxySettings = {
  host: '127.0.0.1',
  port: 5000,
  maxBodyBytes: 1024,
  maxFileBytes: 1024 * 1024,
  deadlineMs: 5000,
  accessLog: 'off',
  sockets: ['/run/app/0.sock', '/run/app/1.sock'],
  runtime: '/run/app',
  workers: 2,
};

/** The rendered lines of the template that contain `word`. */
const linesWith = async (word: string, changes: Partial<ProxySettings>): Promise<string[]> =>
  renderProxy(await readTemplate(), { ...SETTINGS, ...changes })
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line.startsWith(word));

const TLS = { certificate: '/tls/cert.pem', key: '/tls/key.pem' };

describe('renderProxy', () => {
  it('replaces all names and nothing else', async () => {
    const template = await readTemplate();
    const rendered = renderProxy(template, { ...SETTINGS, grpc: { port: 8001, http2: 'parameter' } });
    expect(rendered).not.toMatch(/\$\{/);
    for (const line of template.split('\n'))
      if (!/\$\{|# (?:if|end) GRPC$/.test(line)) expect(rendered).toContain(`${line}\n`);
  });

  it('leaves out what is for gRPC without it, and no other line', async () => {
    const template = await readTemplate();
    const [off, on] = [SETTINGS, { ...SETTINGS, grpc: { port: 8001, http2: 'parameter' } as const }].map(
      (settings) => renderProxy(template, settings).split('\n'),
    );
    expect(on).toEqual(expect.arrayContaining(off!.filter((line) => !/health|log_sampled/.test(line))));
    expect(off!.filter((line) => /grpc[_.[]|http2|trailer/i.test(line))).toEqual([]);
  });

  it.each([
    ['parameter', 8001, undefined, ['0.0.0.0:5000 backlog=4096', '0.0.0.0:8001 http2 backlog=4096']],
    ['parameter', 8001, TLS, ['0.0.0.0:5000 ssl http2 backlog=4096', '0.0.0.0:8001 ssl http2 backlog=4096']],
    ['parameter', 5000, TLS, ['0.0.0.0:5000 ssl http2 backlog=4096']],
    ['directive', 8001, undefined, ['0.0.0.0:5000 backlog=4096', '0.0.0.0:8001 backlog=4096']],
    ['directive', 5000, TLS, ['0.0.0.0:5000 ssl backlog=4096']],
  ] as const)('takes HTTP/2 by a %s on port %i', async (http2, port, tls, listens) => {
    const grpc = { grpc: { port, http2 }, host: '0.0.0.0', ...(tls && { tls }) };
    const lines = (await linesWith('listen ', grpc)).filter((line) => !line.includes('unix:'));
    expect(lines.map((line) => /listen ([^;]*);/.exec(line)?.[1])).toEqual(listens);
    expect((await linesWith('', grpc)).some((line) => line.endsWith('http2 on;'))).toBe(
      http2 === 'directive',
    );
  });

  it('makes an entry for each socket, in both upstreams', async () => {
    const servers = await linesWith('server "', {});
    expect(servers.map((line) => line.split(' ')[1])).toEqual(
      ['0', '1', '0', '1'].map((name) => `"unix:/run/app/${name}.sock"`),
    );
  });

  it('waits a second longer than the deadline', async () => {
    // A file gets another second for each MiB, and the load of a model what the app gives it.
    expect(await linesWith('proxy_read_timeout', { deadlineMs: 250, maxFileBytes: 4 * 1024 * 1024 })).toEqual(
      [
        'proxy_read_timeout 1250ms;',
        'proxy_read_timeout 5346ms;',
        `proxy_read_timeout ${ORDER_MS / 1000 + 10}s;`,
        'proxy_read_timeout 5346ms;',
      ],
    );
    expect(await linesWith('worker_shutdown_timeout', { deadlineMs: 250 })).toEqual([
      'worker_shutdown_timeout 1250ms;',
    ]);
  });

  it.each([
    ['0.0.0.0', 'listen 0.0.0.0:5000 backlog=4096;'],
    ['localhost', 'listen localhost:5000 backlog=4096;'],
    ['::', 'listen [::]:5000 ipv6only=off backlog=4096;'],
    ['::1', 'listen [::1]:5000 ipv6only=off backlog=4096;'],
  ])('listens on %s', async (host, line) => {
    expect(await linesWith('listen', { host })).toEqual([
      `listen "unix:${SETTINGS.runtime}/own/nginx.sock";`,
      line,
    ]);
  });

  it.each([
    ['off', 'access_log off;'],
    ['stdout', 'access_log "/dev/stdout" json if=$log_wanted;'],
    ['/var/log/a b.log', 'access_log "/var/log/a b.log" json if=$log_wanted;'],
  ])('writes the access log to %s', async (accessLog, line) => {
    // Of the requests, and of the scrapes.
    expect(await linesWith('access_log', { accessLog })).toEqual([line, 'access_log off;']);
  });

  it.each([
    [undefined, '* 1;'],
    [1, '* 1;'],
    [0, '* 0;'],
    [0.01, '1.00% 1; * 0;'],
    [0.000001, '0.01% 1; * 0;'],
    [0.999999, '99.99% 1; * 0;'],
  ])('logs a share of %s', async (accessLogSample, line) => {
    expect(renderProxy(await readTemplate(), { ...SETTINGS, accessLogSample })).toContain(
      `$log_sampled {\n        ${line}\n`,
    );
  });

  it.each([
    [1, 1024],
    [2, 1024],
    [3, 1536],
    [64, 2048],
  ])(
    'lets %i processes have %i requests at a time, and a quarter of them of large bodies',
    async (count, most) => {
      const sockets = Array.from({ length: count }, (_, slot) => `/run/${slot}.sock`);
      expect(await linesWith('limit_conn requests ', { sockets })).toEqual([`limit_conn requests ${most};`]);
      expect(await linesWith('limit_conn large', { sockets })).toEqual([
        `limit_conn large_bodies ${most / 4};`,
      ]);
      const [ofClient] = await linesWith('limit_conn concurrent ', { sockets, rateLimit: 1 });
      expect(ofClient).toMatch(new RegExp(`^limit_conn concurrent ${most / 4};`));
    },
  );

  it('names a user only if the settings have one', async () => {
    expect(await linesWith('user', {})).toEqual([]);
    expect(await linesWith('user', { user: 'www-data' })).toEqual(['user www-data;']);
  });

  it.each(['"', "'", '`', ';', '{', '}', '$', '\\', '\n', '\r', '\0', '\x7f'])(
    'refuses %j in a path',
    async (character) => {
      const template = await readTemplate();
      const path = `/run/a${character}b`;
      for (const changes of [{ runtime: path }, { accessLog: path }, { sockets: [path] }]) {
        expect(() => renderProxy(template, { ...SETTINGS, ...changes })).toThrow("can't hold");
      }
    },
  );

  it.each<Partial<ProxySettings>>([
    { host: 'a b' },
    { host: 'a;b' },
    { host: '' },
    { runtime: 'relative' },
    { accessLog: 'relative' },
    { sockets: [] },
    { sockets: [`/${'é'.repeat(54)}`] },
    { port: 0 },
    { port: 1.5 },
    { workers: -1 },
    { maxBodyBytes: 0 },
    { deadlineMs: Number.NaN },
    { accessLogSample: 1.5 },
    { accessLogSample: Number.NaN },
    { user: 'a;b' },
    { user: '' },
  ])('refuses %j', async (changes) => {
    const template = await readTemplate();
    expect(() => renderProxy(template, { ...SETTINGS, ...changes })).toThrow(Object.keys(changes)[0]);
  });

  it('refuses a template with an unknown name, and one without a known name', async () => {
    const template = await readTemplate();
    expect(() => renderProxy(`${template}# \${HOME}`, SETTINGS)).toThrow('unknown ${HOME}');
    expect(() => renderProxy(template.replaceAll('${LISTEN}', '1'), SETTINGS)).toThrow('missing ${LISTEN}');
  });
});

describe.skipIf(nginxMissing)(needsNginx('nginx accepts the rendered configuration'), () => {
  const many = (runtime: string, count: number): string[] =>
    Array.from({ length: count }, (_, index) => join(runtime, `${index}.sock`));

  it.each<[string, string, (runtime: string) => Partial<ProxySettings>]>([
    ['as it is', '', () => ({})],
    ['with a space in the runtime folder', ' a b', () => ({})],
    ['with a # in the runtime folder', '#', () => ({})],
    ['on IPv6', '', () => ({ host: '::' })],
    ['with 64 processes', '', (runtime) => ({ sockets: many(runtime, 64) })],
    ['with 256 processes', '', (runtime) => ({ sockets: many(runtime, 256) })],
    ['with a log', ' a', (runtime) => ({ accessLog: join(runtime, 'a.log'), accessLogSample: 0.01 })],
    [
      'with the largest limits',
      '',
      () => ({ maxBodyBytes: 1024 ** 3, deadlineMs: 8000, workers: 64, port: 65_535 }),
    ],
  ])('%s', async (_, suffix, changes) => {
    const runtime = await makeRuntime(suffix);
    try {
      const { status, said } = await checkProxy(settingsFor(runtime.path, changes(runtime.path)));
      expect(said).toMatch(/syntax is ok\n.*test is successful\n$/);
      expect(said).not.toMatch(/\[(warn|error|alert|emerg)\]/);
      expect(status).toBe(0);
    } finally {
      await runtime.remove();
    }
  });

  it('and refuses a broken one', () => {
    expect(spawnSync('nginx', ['-t', '-e', 'stderr', '-c', import.meta.filename]).status).not.toBe(0);
  });
});
