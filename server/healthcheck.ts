import { readFileSync } from 'node:fs';
import { request as http } from 'node:http';
import { request as https } from 'node:https';

/** Ends with code 0 if the server of this container is ready. What the image's HEALTHCHECK runs, having no curl. */

/** What the container was started as: `serve` means SageMaker's port. */
const started = readFileSync('/proc/1/cmdline', 'utf8').split('\0');
const { PORT, AIP_HTTP_PORT, SAGEMAKER_BIND_TO_PORT, HOST, TLS_CERT } = process.env;
const standard = started.includes('serve') ? SAGEMAKER_BIND_TO_PORT || 8080 : 5000;

const options = {
  host: HOST || '127.0.0.1',
  port: PORT || AIP_HTTP_PORT || standard,
  path: '/health/ready',
  // The certificate is for the name that clients use, not for this address.
  rejectUnauthorized: false,
};
(TLS_CERT ? https : http)(options, ({ statusCode }) => process.exit(statusCode === 200 ? 0 : 1))
  .on('error', () => process.exit(1))
  .end();
