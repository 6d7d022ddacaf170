import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { Direction, forward } from './direction.js';

/** A TCP proxy on 127.0.0.1 that injects network faults between a client and a server. */
export interface FaultProxy {
  port: number;
  /** Resets all current connections. New connections work. */
  cut(): void;
  /** Resets all connections, and each new one at once, until `resume`. */
  refuse(): void;
  /**
   * Keeps all connections, old and new, open but passes nothing in either direction until `resume`. If one side closes
   * its connection meanwhile, the other side does not notice.
   */
  stall(): void;
  /** Passes requests but holds back what the server sends until `resume`. */
  holdAnswers(): void;
  /** Ends `refuse`, `stall`, `holdAnswers` and `delay`. */
  resume(): void;
  /** From now on passes each chunk `ms` milliseconds late, in each direction and in order. */
  delay(ms: number): void;
  close(): Promise<void>;
}

export interface ProxyTarget {
  host: string;
  port: number;
}

export interface FaultProxyOptions {
  /** The port to listen on. Default: a free one. */
  port?: number;
}

/** `target`: a URL with a port, `{ host, port }`, or a function that is called for each new connection. */
export async function faultProxy(
  target: string | ProxyTarget | (() => ProxyTarget),
  options: FaultProxyOptions = {},
): Promise<FaultProxy> {
  const targetNow = asFunction(target);
  const directions: Directions = { requests: new Direction(), answers: new Direction() };
  const both = [directions.requests, directions.answers];
  const resets = new Set<() => void>();
  let refusing = false;

  const server = createServer((client) => {
    // Without a listener the error of a reset socket would end the process. `refuse` resets sockets.
    client.on('error', () => undefined);
    if (refusing) {
      client.resetAndDestroy();
      return;
    }
    const reset = join(client, connect(targetNow()), directions);
    resets.add(reset);
    client.once('close', () => resets.delete(reset));
  });
  const cut = () => {
    for (const reset of [...resets]) reset();
  };

  await listen(server, options.port ?? 0);
  return {
    port: (server.address() as AddressInfo).port,
    cut,
    refuse() {
      refusing = true;
      cut();
    },
    stall() {
      for (const direction of both) direction.stall();
    },
    holdAnswers: () => directions.answers.stall(),
    resume() {
      refusing = false;
      for (const direction of both) direction.clear();
    },
    delay(ms) {
      for (const direction of both) direction.delayMs = ms;
    },
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      cut();
      for (const direction of both) direction.clear();
      await closed;
    },
  };
}

interface Directions {
  requests: Direction;
  answers: Direction;
}

/** Joins the two sockets, and returns a function that resets both. */
function join(client: Socket, upstream: Socket, { requests, answers }: Directions): () => void {
  const reset = () => {
    resetOne(client);
    resetOne(upstream);
  };
  propagateEnd(client, upstream, requests);
  propagateEnd(upstream, client, answers);
  forward(client, upstream, requests);
  forward(upstream, client, answers);
  return reset;
}

/** When one socket closes, closes the other in the same way, once the direction lets it pass. */
function propagateEnd(socket: Socket, other: Socket, direction: Direction): void {
  let end = () => {
    other.destroy();
  };
  socket.setNoDelay(true);
  socket.on('error', () => {
    end = () => resetOne(other);
  });
  socket.once('close', () => void direction.passage(0).then(() => end()));
}

/** Resetting a socket that is shutting down would make Node wait for it forever at exit: it is destroyed instead. */
function resetOne(socket: Socket): void {
  if (socket.writableEnded) socket.destroy();
  else socket.resetAndDestroy();
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
}

function asFunction(target: string | ProxyTarget | (() => ProxyTarget)): () => ProxyTarget {
  if (typeof target === 'function') return target;
  const fixed = typeof target === 'string' ? addressOf(target) : target;
  return () => fixed;
}

function addressOf(url: string): ProxyTarget {
  const { hostname, port } = new URL(url);
  if (!port) throw new Error(`faultProxy needs a port in ${url}`);
  return { host: hostname, port: Number(port) };
}
