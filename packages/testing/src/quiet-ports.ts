import { createServer } from 'node:net';

/**
 * Below the ports that systems give to outgoing connections. A port above could be taken while its server is down,
 * or a connection to it could even meet itself.
 */
const [lowest, highest] = [20_000, 32_000];
/** Test files that find different ports at the same time; with more workers, two share a slice. */
const slices = 4;

export interface QuietPortsOptions {
  /** For programs that take a second port, so far above the one that they are told: it is quiet as well. */
  alsoAbove?: number;
}

/** Ports that nothing uses, all different, for servers that come and go. */
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

/** Test files run beside each other: what one found and doesn't listen at yet, the other must not find too. */
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
