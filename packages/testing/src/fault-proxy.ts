import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { forward, Weather } from './weather.js';

/** Stands between a client and a server and does what networks do. Listens on 127.0.0.1. */
export interface FaultProxy {
  port: number;
  /** Resets all connections of this moment; new ones work. */
  cut(): void;
  /** Resets all connections, and each new one at once, until `resume`. */
  refuse(): void;
  /**
   * Half-open: connections stay, but nothing passes, in either direction and for new ones too, until `resume`. Where
   * one side gives up meanwhile, the other doesn't hear of it.
   */
  stall(): void;
  /** One-way: requests pass, but what the server sends is held back until `resume`. */
  holdAnswers(): void;
  /** Ends `refuse`, `stall`, `holdAnswers` and `delay`. */
  resume(): void;
  /** From now on each chunk, in each direction, arrives `ms` milliseconds late; order is kept. */
  delay(ms: number): void;
  close(): Promise<void>;
}

export interface ProxyTarget {
  host: string;
  port: number;
}

export interface FaultProxyOptions {
  /** Where it listens. Default: a free port. */
  port?: number;
}

/** `target`: a URL with a port, `{ host, port }`, or a function that is asked for each new connection. */
export async function faultProxy(
  target: string | ProxyTarget | (() => ProxyTarget),
  options: FaultProxyOptions = {},
): Promise<FaultProxy> {
  const targetNow = asFunction(target);
  const weather: Ways = { requests: new Weather(), answers: new Weather() };
  const ways = [weather.requests, weather.answers];
  const resets = new Set<() => void>();
  let refusing = false;

  const server = createServer((client) => {
    // Without a listener a reset socket's error would end the process; `refuse` provokes exactly that.
    client.on('error', () => undefined);
    if (refusing) {
      client.resetAndDestroy();
      return;
    }
    const reset = join(client, connect(targetNow()), weather);
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
      for (const way of ways) way.stall();
    },
    holdAnswers: () => weather.answers.stall(),
    resume() {
      refusing = false;
      for (const way of ways) way.clear();
    },
    delay(ms) {
      for (const way of ways) way.delayMs = ms;
    },
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      cut();
      for (const way of ways) way.clear();
      await closed;
    },
  };
}

/** The weather of each direction. */
interface Ways {
  requests: Weather;
  answers: Weather;
}

/** Couples both sides, and answers how to reset the pair. */
function join(client: Socket, upstream: Socket, { requests, answers }: Ways): () => void {
  const reset = () => {
    resetOne(client);
    resetOne(upstream);
  };
  couple(client, upstream, requests);
  couple(upstream, client, answers);
  forward(client, upstream, requests);
  forward(upstream, client, answers);
  return reset;
}

/** What ends one side ends the other, as soon as the weather lets it know. */
function couple(socket: Socket, other: Socket, weather: Weather): void {
  let end = () => {
    other.destroy();
  };
  socket.setNoDelay(true);
  socket.on('error', () => {
    end = () => resetOne(other);
  });
  socket.once('close', () => void weather.passage(0).then(() => end()));
}

/** A socket that is being shut down can't be reset; Node would then wait for its end for ever when it exits. */
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
