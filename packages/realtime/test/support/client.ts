import { eventually } from '@warren/testing';
import { io, type ManagerOptions, type Socket, type SocketOptions } from 'socket.io-client';

export interface Received {
  event: string;
  args: unknown[];
}

type Answer =
  | { ok: true; data: never }
  | { ok: false; error: { code: string; temporary: boolean; errors?: unknown } };

export interface Auth {
  token?: unknown;
  cursor?: unknown;
}

/** A socket.io-client that records everything it receives. */
export class RecordingClient {
  readonly received: Received[] = [];
  readonly disconnects: string[] = [];
  readonly socket: Socket;

  constructor(url: string, auth: Auth | (() => Auth), options: Partial<ManagerOptions & SocketOptions> = {}) {
    this.socket = io(url, {
      transports: ['websocket'],
      forceNew: true,
      reconnectionDelay: 20,
      reconnectionDelayMax: 100,
      auth: (done) => done({ ...(typeof auth === 'function' ? auth() : auth) }),
      ...options,
    });
    this.socket.onAny((event: string, ...args: unknown[]) => this.received.push({ event, args }));
    this.socket.on('disconnect', (reason) => this.disconnects.push(reason));
  }

  named(event: string): unknown[] {
    return this.received.filter((one) => one.event === event).map((one) => one.args[0]);
  }

  /** The numbers of the received feed entries, in order of arrival. */
  get seqs(): number[] {
    return this.received.flatMap(({ args }) => {
      const meta = args[1];
      return meta && typeof meta === 'object' && 'seq' in meta ? [Number(meta.seq)] : [];
    });
  }

  get events(): string[] {
    return this.received.map(({ event }) => event);
  }

  /** Resolves to the `data` of the `count`th event `name`, once it has arrived. */
  async got<T = Record<string, unknown>>(name: string, count = 1, within?: number): Promise<T> {
    return eventually(
      () => {
        const found = this.named(name);
        if (found.length < count)
          throw new Error(`${name} came ${found.length} times; got ${this.events.slice(-20)}`);
        return found[count - 1] as T;
      },
      { within },
    );
  }

  /** Resolves once the client has received the entries `from` to `to`, in order, and no others. */
  async gotExactly(from: number, to: number, within?: number): Promise<void> {
    const wanted = range(from, to);
    await eventually(
      () => {
        const seqs = this.seqs;
        if (JSON.stringify(seqs) !== JSON.stringify(wanted))
          throw new Error(`got ${summary(seqs)}, want ${from}–${to}`);
      },
      { within },
    );
  }

  async command(name: string, ...args: unknown[]): Promise<Answer> {
    return this.socket.timeout(5_000).emitWithAck(name, ...args);
  }

  close(): void {
    this.socket.disconnect();
  }
}

/** Resolves to the error data of a refused handshake; rejects if it is accepted. */
export async function refusal(
  url: string,
  auth: Auth | (() => Auth),
  options: Partial<ManagerOptions & SocketOptions> = {},
): Promise<{ code: string; temporary: boolean }> {
  const client = new RecordingClient(url, auth, options);
  try {
    return await new Promise((resolve, reject) => {
      client.socket.once('connect', () => reject(new Error('the handshake was accepted')));
      client.socket.once(
        'connect_error',
        (error: Error & { data?: { code: string; temporary: boolean } }) => {
          if (error.data) resolve(error.data);
          else reject(error);
        },
      );
    });
  } finally {
    client.close();
  }
}

export function range(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, i) => from + i);
}

function summary(seqs: number[]): string {
  return seqs.length > 20 ? `${seqs.slice(0, 10)} … ${seqs.slice(-10)} (${seqs.length})` : `${seqs}`;
}
