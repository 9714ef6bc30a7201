import { spawnSync } from 'node:child_process';
import { chmodSync } from 'node:fs';

/** Makes a certificate for 127.0.0.1 that signs itself, with openssl. */
export function makeCertificate(certificate: string, key: string, name: string): void {
  const options = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days'];
  const subject = ['2', '-subj', `/CN=${name}`, '-addext', 'subjectAltName=IP:127.0.0.1'];
  const { status, stderr } = spawnSync(
    'openssl',
    [...options, ...subject, '-keyout', key, '-out', certificate],
    {
      encoding: 'utf8',
    },
  );
  if (status !== 0) throw new Error(`openssl: ${stderr}`);
  chmodSync(key, 0o600);
}
