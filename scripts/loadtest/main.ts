import { loadtest } from './loadtest.ts';

const interrupt = new AbortController();

function onSignal(): void {
  // A second Ctrl-C doesn't wait for the report.
  if (interrupt.signal.aborted) process.exit(130);
  interrupt.abort();
}
process.on('SIGINT', onSignal);
process.on('SIGTERM', onSignal);

process.exitCode = await loadtest(process.argv.slice(2), {
  stdout: process.stdout,
  stderr: process.stderr,
  // npm runs scripts in the project folder and says where it was called.
  folder: process.env['INIT_CWD'] ?? process.cwd(),
  interrupt: interrupt.signal,
});
