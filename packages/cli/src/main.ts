import { runCli } from './run.js';

const stop = new AbortController();
const interrupt = () => stop.abort();
process.once('SIGINT', interrupt).once('SIGTERM', interrupt);

// A reader such as `head` closes the pipe when it has read enough. That is not an error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') interrupt();
  else throw error;
});

process.exitCode = await runCli(process.argv.slice(2), {
  env: process.env,
  out: (line) => process.stdout.write(`${line}\n`),
  err: (line) => process.stderr.write(`${line}\n`),
  signal: stop.signal,
});
