import { readFileSync } from 'node:fs';
import { request as http } from 'node:http';
import { request as https } from 'node:https';

/** Exits with code 0 if the server of this container is ready. The image's HEALTHCHECK runs it, since there is no curl. */

/** The arguments of the container: `serve` means SageMaker's port. */
const started = readFileSync('/proc/1/cmdline', 'utf8').split('\0');
const { PORT, AIP_HTTP_PORT, SAGEMAKER_BIND_TO_PORT, HOST, TLS_CERT } = process.env;
const defaultPort = started.includes('serve') ? SAGEMAKER_BIND_TO_PORT || 8080 : 5000;

const options = {
  host: HOST || '127.0.0.1',
  port: PORT || AIP_HTTP_PORT || defaultPort,
  path: '/health/ready',
  // The certificate is for the name that clients use, not for this address.
  rejectUnauthorized: false,
};
(TLS_CERT ? https : http)(options, ({ statusCode }) => process.exit(statusCode === 200 ? 0 : 1))
  .on('error', () => process.exit(1))
  .end();
