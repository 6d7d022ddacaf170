import { runCli } from '../../src/index.js';

export interface Ran {
  code: number;
  out: string[];
  err: string[];
  /** Each line of stdout, read as JSON. */
  json: Record<string, unknown>[];
  /** Those lines of stderr that are JSON. */
  audit: Record<string, unknown>[];
}

/** Runs one command line in this process. */
export async function warren(
  line: string,
  env: Record<string, string | undefined> = {},
  signal: AbortSignal = new AbortController().signal,
): Promise<Ran> {
  const out: string[] = [];
  const err: string[] = [];
  const code = await runCli(line.split(' '), {
    env,
    out: (text) => void out.push(text),
    err: (text) => void err.push(text),
    signal,
  });
  return {
    code,
    out,
    err,
    get json() {
      return out.map(asJson);
    },
    get audit() {
      return err.filter((text) => text.startsWith('{')).map(asJson);
    },
  };
}

function asJson(text: string): Record<string, unknown> {
  return JSON.parse(text) as Record<string, unknown>;
}
