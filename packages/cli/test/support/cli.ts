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

/** What a test does to a command that runs. */
export interface Live {
  /** Tells it to stop. */
  signal?: AbortSignal;
  /** Called with each audit line before the command goes on. */
  heard?: (line: Record<string, unknown>) => void;
}

/** Runs one command line in this process. */
export async function warren(
  line: string,
  env: Record<string, string | undefined> = {},
  { signal = new AbortController().signal, heard }: Live = {},
): Promise<Ran> {
  const out: string[] = [];
  const err: string[] = [];
  const code = await runCli(line.split(' '), {
    env,
    out: (text) => void out.push(text),
    err: (text) => {
      err.push(text);
      if (isAudit(text)) heard?.(asJson(text));
    },
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
      return err.filter(isAudit).map(asJson);
    },
  };
}

function isAudit(text: string): boolean {
  return text.startsWith('{');
}

function asJson(text: string): Record<string, unknown> {
  return JSON.parse(text) as Record<string, unknown>;
}
