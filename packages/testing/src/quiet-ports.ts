import { createServer } from 'node:net';

/**
 * Below the range from which systems give ports to outgoing connections. A port of that range could be taken while its
 * server is down, and a connection to it could even connect to itself.
 */
const [lowest, highest] = [20_000, 32_000];
/** Each Jest worker takes ports from its own slice of the range. With more workers, two share a slice. */
const slices = 4;

export interface QuietPortsOptions {
  /** For a program that uses a second port at this distance above its first: both are free. */
  alsoAbove?: number;
}

/** Finds different free ports for servers that a test stops and starts again. */
export async function quietPorts(
  count: number,
  { alsoAbove = 0 }: QuietPortsOptions = {},
): Promise<number[]> {
  const [from, to] = ownSlice();
  const found = new Set<number>();
  const taken = new Set<number>();
  for (let tries = 0; found.size < count; tries += 1) {
    if (tries > count + 1_000) throw new Error(`no ${count} free ports from ${from} to ${to}`);
    const port = from + Math.floor(Math.random() * (to - alsoAbove - from));
    const needed = [...new Set([port, port + alsoAbove])];
    if (needed.some((each) => taken.has(each)) || !(await areFree(needed))) continue;
    found.add(port);
    for (const each of needed) taken.add(each);
  }
  return [...found];
}

/** Test files run in parallel: one must not find a port that another found but doesn't listen on yet. */
function ownSlice(): [from: number, to: number] {
  const worker = Number(process.env.JEST_WORKER_ID ?? 0);
  if (!(worker > 0)) return [lowest, highest];
  const size = (highest - lowest) / slices;
  const from = lowest + ((worker - 1) % slices) * size;
  return [from, from + size];
}

async function areFree(ports: readonly number[]): Promise<boolean> {
  for (const port of ports) if (!(await isFree(port))) return false;
  return true;
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
