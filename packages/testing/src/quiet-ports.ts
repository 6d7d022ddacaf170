import { createServer } from 'node:net';

/**
 * Below the ports that systems give to outgoing connections. A port above could be taken while its server is down,
 * or a connection to it could even meet itself.
 */
const [lowest, highest] = [20_000, 32_000];

/** Ports that nothing uses, all different, for servers that come and go. */
export async function quietPorts(count: number): Promise<number[]> {
  const found = new Set<number>();
  for (let tries = 0; found.size < count; tries += 1) {
    if (tries > count + 1_000) throw new Error(`no ${count} free ports from ${lowest} to ${highest}`);
    const port = lowest + Math.floor(Math.random() * (highest - lowest));
    if (!found.has(port) && (await isFree(port))) found.add(port);
  }
  return [...found];
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
