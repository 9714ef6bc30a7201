import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { freePort } from './freePort.ts';
import { goProgramMissing } from './goPrograms.ts';
import { eventually, withDeadline } from './withDeadline.ts';

const PROGRAM = 'versitygw';

/** Why there is no S3 server to test against; undefined if there is. */
export const gatewayMissing: string | undefined = goProgramMissing(PROGRAM);

/** A test's title, with the reason if it is skipped. */
export const needsGateway = (title: string): string =>
  gatewayMissing === undefined ? title : `${title} (${gatewayMissing})`;

/** A real S3 server over a folder: a bucket is a folder in it. */
export interface Gateway {
  readonly folder: string;
  /** The environment variables of its clients. */
  readonly env: Readonly<Record<string, string>>;
  /** Uploads files under a prefix through the server, which stores digests only then. */
  put(bucket: string, prefix: string, files: Readonly<Record<string, string | Uint8Array>>): Promise<void>;
  /** Adds an account that may do nothing. @returns its part of `env` */
  addStranger(): Promise<Readonly<Record<string, string>>>;
  start(): Promise<void>;
  stop(): Promise<void>;
}

const accepts = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });

/** @param home an empty folder */
export async function createGateway(home: string): Promise<Gateway> {
  const folder = join(home, 'buckets');
  const port = await freePort();
  const accounts = join(home, 'accounts');
  const keys = ['--access', 'reader', '--secret', 'secret'];
  mkdirSync(folder);
  mkdirSync(accounts);
  let child: ReturnType<typeof spawn> | undefined;
  return {
    folder,
    env: {
      AWS_ENDPOINT_URL_S3: `http://127.0.0.1:${port}`,
      AWS_ACCESS_KEY_ID: 'reader',
      AWS_SECRET_ACCESS_KEY: 'secret',
      AWS_EC2_METADATA_DISABLED: 'true',
    },
    put: async (bucket, prefix, files) => {
      const client = new S3Client({
        endpoint: `http://127.0.0.1:${port}`,
        region: 'us-east-1',
        credentials: { accessKeyId: 'reader', secretAccessKey: 'secret' },
        forcePathStyle: true,
      });
      for (const [name, content] of Object.entries(files)) {
        await client.send(
          new PutObjectCommand({
            Bucket: bucket,
            Key: `${prefix}/${name}`,
            Body: Buffer.from(content as string),
          }),
        );
      }
      client.destroy();
    },
    addStranger: async () => {
      const stranger = ['--access', 'stranger', '--secret', 'nothing', '--role', 'user'];
      const url = `http://127.0.0.1:${port}`;
      const admin = ['admin', ...keys, '--endpoint-url', url, 'create-user', ...stranger];
      await promisify(execFile)(PROGRAM, admin, { timeout: 20_000 });
      return { AWS_ACCESS_KEY_ID: 'stranger', AWS_SECRET_ACCESS_KEY: 'nothing' };
    },
    start: async () => {
      const places = ['--iam-dir', accounts, '--port', `127.0.0.1:${port}`];
      child = spawn(PROGRAM, [...keys, ...places, 'posix', folder], { stdio: 'ignore' });
      await eventually('the S3 server', () => accepts(port), 20_000);
    },
    stop: async () => {
      if (!child) return;
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      child = undefined;
      await withDeadline('the end of the S3 server', ended);
    },
  };
}
