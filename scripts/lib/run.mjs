import { spawn } from 'node:child_process';

const signalNumbers = { SIGINT: 2, SIGTERM: 15 };

/** The command ended because this process received a signal. */
export class Stopped extends Error {
  constructor(signal) {
    super(`stopped by ${signal}`);
    this.exitCode = 128 + signalNumbers[signal];
  }
}

/**
 * Runs a command to its end and returns its exit code. Passes SIGINT and SIGTERM on, and throws `Stopped` after the
 * command has ended. With `quiet` the output is shown only if the command fails, with `silent` never.
 */
export async function run(file, args, { quiet = false, silent = false, ...options } = {}) {
  const stdio = silent ? 'ignore' : quiet ? ['ignore', 'pipe', 'pipe'] : ['ignore', 2, 2];
  const child = spawn(file, args, { stdio, ...options });
  const output = [];
  child.stdout?.on('data', (chunk) => output.push(chunk));
  child.stderr?.on('data', (chunk) => output.push(chunk));

  let stoppedBy;
  const pass = (signal) => {
    stoppedBy ??= signal;
    child.kill(signal);
  };
  for (const signal of Object.keys(signalNumbers)) process.on(signal, pass);
  try {
    const code = await new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (exitCode) => resolve(exitCode ?? 1));
    });
    if (stoppedBy) throw new Stopped(stoppedBy);
    if (code !== 0) process.stderr.write(Buffer.concat(output));
    return code;
  } finally {
    for (const signal of Object.keys(signalNumbers)) process.off(signal, pass);
  }
}
