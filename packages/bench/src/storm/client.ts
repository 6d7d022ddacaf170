import { Agent, type ClientRequestArgs } from 'node:http';
import { connect, type Socket as TcpSocket } from 'node:net';
import { io, type Socket } from 'socket.io-client';
import type { Person } from '../driver/questions.js';
import { type News, newsTold, service } from './contract.js';

export interface ClientOptions {
  person: Person;
  ports: readonly number[];
  /** The index of the first port to use. */
  first: number;
  /** Milliseconds before the first attempt to reconnect. Default: socket.io-client's. */
  reconnectMs?: number;
}

/** Counts what went wrong at a client. All are zero if it received every entry exactly once. */
export interface Faults {
  gaps: number;
  duplicates: number;
  /** Entries whose broadcast was already received with another sequence number. */
  repeated: number;
  resets: number;
  behind: number;
  refused: number;
}

export function noFaults(): Faults {
  return { gaps: 0, duplicates: 0, repeated: 0, resets: 0, behind: 0, refused: 0 };
}

export function sumOfFaults(all: readonly Faults[]): Faults {
  const sum = noFaults();
  for (const faults of all) {
    for (const key of Object.keys(sum) as (keyof Faults)[]) sum[key] += faults[key];
  }
  return sum;
}

/** A plain socket.io-client that keeps its cursor, and counts entries instead of storing them. */
export class StormClient {
  readonly faults: Faults = noFaults();
  /** Milliseconds from opening each new TCP connection until all missed entries were received. */
  readonly replays: number[] = [];
  /** The same from the cut, or from the first cut if there were several. */
  readonly outages: number[] = [];
  cuts = 0;
  /** The sequence number of the last entry; 0 before the first broadcast. */
  seq = 0;
  readonly #agent: CuttableAgent;
  readonly #socket: Socket;
  readonly #received = new Set<number>();
  #cursor: string | undefined;
  /** The head that this connection must reach to have caught up. */
  #awaited: string | undefined;
  #cutAt: number | undefined;
  #ready = false;

  constructor({ person, ports, first, reconnectMs }: ClientOptions) {
    this.#agent = new CuttableAgent(ports, first);
    this.#socket = io(`http://127.0.0.1/${service}`, {
      transports: ['websocket'],
      forceNew: true,
      // The type is the one for browsers, which have no agents. In Node the agent is passed to `ws`.
      agent: this.#agent as unknown as string,
      ...(reconnectMs !== undefined && {
        reconnectionDelay: reconnectMs,
        reconnectionDelayMax: 4 * reconnectMs,
      }),
      auth: (give) => give({ token: person.token, cursor: this.#cursor }),
    });
    this.#socket.on('session.ready', ({ head }: { head: string | null }) => {
      if (head !== null) this.#onReady(head);
    });
    this.#socket.on(newsTold, ({ number }: News, meta: { seq: number; cursor: string }) =>
      this.#onEntry(number, meta.seq, meta.cursor),
    );
    this.#socket.on('feed.reset', ({ head }: { head: string }) => this.#onReset(head));
    this.#socket.on('feed.behind', () => {
      this.faults.behind += 1;
    });
    this.#socket.on('connect_error', (error: Error & { data?: unknown }) => {
      if (error.data) this.faults.refused += 1;
    });
    this.#socket.on('disconnect', () => {
      this.#ready = false;
    });
  }

  /** Whether it has joined, has a cursor for resuming, and has not been cut since. */
  get ready(): boolean {
    return this.#ready;
  }

  cut(): void {
    this.cuts += 1;
    this.#ready = false;
    this.#cutAt ??= performance.now();
    this.#agent.cut();
  }

  close(): void {
    this.#socket.disconnect();
    this.#agent.destroy();
  }

  #onReady(head: string): void {
    this.#ready = true;
    this.#cursor ??= head;
    this.#awaited = head;
    if (this.#cursor === head) this.#caughtUp();
  }

  /** A reset is a fault only if the client has a cursor. Without one, a reset tells it where its feed starts. */
  #onReset(head: string): void {
    if (this.#cursor !== undefined) this.faults.resets += 1;
    this.#onReady(head);
  }

  #onEntry(number: number, seq: number, cursor: string): void {
    if (seq <= this.seq) this.faults.duplicates += 1;
    if (seq > this.seq + 1) this.faults.gaps += 1;
    if (this.#received.has(number)) this.faults.repeated += 1;
    this.#received.add(number);
    this.seq = seq;
    this.#cursor = cursor;
    if (cursor === this.#awaited) this.#caughtUp();
  }

  #caughtUp(): void {
    this.#awaited = undefined;
    if (this.#cutAt === undefined) return;
    const now = performance.now();
    this.replays.push(now - this.#agent.connectedAt);
    this.outages.push(now - this.#cutAt);
    this.#cutAt = undefined;
  }
}

/** Connects each time to the next node, as a load balancer does, and can reset the connection. */
class CuttableAgent extends Agent {
  /** When the newest connection was opened, as of `performance.now()`. */
  connectedAt = 0;
  readonly #ports: readonly number[];
  #next: number;
  #socket: TcpSocket | undefined;

  /** `first`: the index of the first port to use. */
  constructor(ports: readonly number[], first: number) {
    super();
    this.#ports = ports;
    this.#next = first;
  }

  override createConnection(_options: ClientRequestArgs): TcpSocket {
    const port = this.#ports[this.#next % this.#ports.length] as number;
    this.#next += 1;
    this.connectedAt = performance.now();
    this.#socket = connect({ host: '127.0.0.1', port, noDelay: true });
    return this.#socket;
  }

  /** Resets the TCP connection. */
  cut(): void {
    this.#socket?.resetAndDestroy();
  }
}
