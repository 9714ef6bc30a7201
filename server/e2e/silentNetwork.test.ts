import { execFile, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it, vi } from 'vitest';
import { nginxMissing } from '../../proxy/testing/nginxMissing.ts';
import { adultBody, adultRow } from '../testing/adult.ts';
import { CHECKOUT } from '../testing/startServer.ts';

vi.setConfig({ testTimeout: 240_000 });

/** Why this machine can't make a network namespace; undefined if it can. */
function namespaceMissing(): string | undefined {
  const { status } = spawnSync('unshare', [
    '--net',
    'ip',
    'link',
    'add',
    'dark',
    'type',
    'veth',
    'peer',
    'end',
  ]);
  return status === 0 ? undefined : 'skipped, a network namespace needs root, unshare and ip';
}

/** The body of the script's request. */
const curlMissing = spawnSync('curl', ['--version']).error
  ? 'skipped, curl is missing: apt-get install curl'
  : undefined;

const missing = nginxMissing ?? curlMissing ?? namespaceMissing();

/**
 * Starts the server in a network namespace whose only route drops packets, requests a prediction, ends the server, and
 * returns how many packets took that route. The name server is on it, so queries for names count, too.
 */
const SCRIPT = `
set -eu
ip link set lo up
ip link add dark type veth peer name end
# What the kernel itself says when a link comes up is none of ours.
echo 1 >/proc/sys/net/ipv6/conf/dark/disable_ipv6
echo 1 >/proc/sys/net/ipv6/conf/end/disable_ipv6
ip addr add 192.0.2.2/24 dev dark
ip link set dark up
ip link set end up
# A neighbour that is known and never answers: so every packet goes out at once, and is counted.
ip neigh add 192.0.2.1 lladdr 02:00:00:00:00:01 dev dark
ip route add default via 192.0.2.1
mount --bind "$TMPDIR/resolv.conf" /etc/resolv.conf
./servemodel.sh --no-install >"$TMPDIR/log" 2>&1 &
server=$!
tries=0
until curl -fsS -o /dev/null "http://127.0.0.1:$PORT/health/ready" 2>/dev/null; do
  tries=$((tries + 1))
  if [ $tries -gt 1200 ] || ! kill -0 $server 2>/dev/null; then cat "$TMPDIR/log" >&2; exit 1; fi
  sleep 0.1
done
curl -fsS -H 'content-type: application/json' -d "$BODY" "http://127.0.0.1:$PORT/predict"
echo
kill -TERM $server
wait $server
awk '$1 == "dark:" { print $11 }' /proc/net/dev
`;

describe.skipIf(missing !== undefined)(`without a network${missing ? ` (${missing})` : ''}`, () => {
  it('the server starts, predicts and ends without sending a packet', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'dark-'));
    try {
      const prepare = `chmod 755 "$TMPDIR"; echo 'nameserver 192.0.2.1' >"$TMPDIR/resolv.conf"\n`;
      const env = {
        PATH: process.env['PATH'],
        HOME: folder,
        TMPDIR: folder,
        PORT: '5000',
        WEB_CONCURRENCY: '2',
        BODY: JSON.stringify(adultBody(adultRow())),
      };
      const run = (script: string) =>
        promisify(execFile)('unshare', ['--net', '--mount', 'bash', '-c', prepare + script], {
          cwd: CHECKOUT,
          timeout: 200_000,
          env,
        });
      const { stdout, stderr } = await run(SCRIPT);
      expect(stderr).toBe('');
      expect(stdout.split('\n')).toEqual(['{"predictions":[" <=50K"]}', '0', '']);
      // The route does count: a query for a name is seen.
      const asking = SCRIPT.replace(
        /\.\/servemodel\.sh[\s\S]*wait \$server\n/,
        'timeout 2 getent hosts example.org || true\n',
      );
      expect(Number((await run(asking)).stdout.trim())).toBeGreaterThan(0);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
