import { execFileSync } from 'node:child_process';

/** Runs a program and returns its output. Throws with its error output if it fails. */
export function run(
  program: string,
  args: readonly string[],
  options: { cwd?: string; input?: string; env?: NodeJS.ProcessEnv } = {},
): string {
  return execFileSync(program, args, {
    ...options,
    encoding: 'utf8',
    timeout: 60_000,
    maxBuffer: 16_000_000,
    stdio: ['pipe', 'pipe', 'pipe'],
  });
}

/** Why a program can't be used here, or `undefined`. */
export function missing(program: string, args: readonly string[]): string | undefined {
  try {
    run(program, args);
    return undefined;
  } catch {
    return `\`${[program, ...args].join(' ')}\` does not work here`;
  }
}
