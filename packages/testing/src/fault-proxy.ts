import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { forward, Weather } from './weather.js';

/** Stands between a client and a server and does what networks do. Listens on 127.0.0.1. */
export interface FaultProxy {
  port: number;
  /** Resets all connections of this moment; new ones work. */
  cut(): void;
  /** Resets all connections, and each new one at once, until `resume`. */
  refuse(): void;
  /** Half-open: connections stay, but nothing passes, in either direction and for new ones too, until `resume`. */
  stall(): void;
  /** Ends `refuse`, `stall` and `delay`. */
  resume(): void;
  /** From now on each chunk, in each direction, arrives `ms` milliseconds late; order is kept. */
  delay(ms: number): void;
  close(): Promise<void>;
}

/** `target`: a URL with a port, or `{ host, port }`. */
export async function faultProxy(target: string | { host: string; port: number }): Promise<FaultProxy> {
  const { host, port } = typeof target === 'string' ? addressOf(target) : target;
  const weather = new Weather();
  const resets = new Set<() => void>();
  let refusing = false;

  const server = createServer((client) => {
    // Without a listener a reset socket's error would end the process; `refuse` provokes exactly that.
    client.on('error', () => undefined);
    if (refusing) {
      client.resetAndDestroy();
      return;
    }
    const reset = join(client, connect({ host, port }), weather);
    resets.add(reset);
    client.once('close', () => resets.delete(reset));
  });
  const cut = () => {
    for (const reset of [...resets]) reset();
  };

  await listen(server);
  return {
    port: (server.address() as AddressInfo).port,
    cut,
    refuse() {
      refusing = true;
      cut();
    },
    stall: () => weather.stall(),
    resume() {
      refusing = false;
      weather.clear();
    },
    delay(ms) {
      weather.delayMs = ms;
    },
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      cut();
      weather.clear();
      await closed;
    },
  };
}

/** Couples both sides, and answers how to reset the pair. */
function join(client: Socket, upstream: Socket, weather: Weather): () => void {
  const reset = () => {
    client.resetAndDestroy();
    upstream.resetAndDestroy();
  };
  for (const socket of [client, upstream]) {
    socket.setNoDelay(true);
    socket.on('error', reset);
  }
  client.once('close', () => upstream.destroy());
  upstream.once('close', () => client.destroy());
  forward(client, upstream, weather);
  forward(upstream, client, weather);
  return reset;
}

function listen(server: Server): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
}

function addressOf(url: string): { host: string; port: number } {
  const { hostname, port } = new URL(url);
  if (!port) throw new Error(`faultProxy needs a port in ${url}`);
  return { host: hostname, port: Number(port) };
}
