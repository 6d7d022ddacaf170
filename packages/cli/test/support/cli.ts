import { runCli } from '../../src/index.js';

export interface Ran {
  code: number;
  out: string[];
  err: string[];
  /** The lines of stdout, parsed as JSON. */
  json: Record<string, unknown>[];
  /** The lines of stderr that are JSON, parsed. */
  audit: Record<string, unknown>[];
}

/** Lets a test act on a running command. */
export interface Live {
  /** Stops the command. */
  signal?: AbortSignal;
  /** Called with each audit line before the command continues. */
  onAudit?: (line: Record<string, unknown>) => void;
}

/** Runs one command line in this process. */
export async function warren(
  line: string,
  env: Record<string, string | undefined> = {},
  { signal = new AbortController().signal, onAudit }: Live = {},
): Promise<Ran> {
  const out: string[] = [];
  const err: string[] = [];
  const code = await runCli(line.split(' '), {
    env,
    out: (text) => void out.push(text),
    err: (text) => {
      err.push(text);
      if (isAudit(text)) onAudit?.(asJson(text));
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
