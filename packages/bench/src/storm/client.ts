import { io, type Socket } from 'socket.io-client';
import type { Person } from '../driver/target.js';
import { type News, newsTold, service } from './contract.js';
import { Line } from './line.js';

export interface ClientOptions {
  person: Person;
  ports: readonly number[];
  /** The index of the port to begin with. */
  first: number;
  /** Milliseconds before the first try to come back; socket.io-client's default if left out. */
  reconnectMs?: number;
}

/** What went wrong at one client. All zero for a client that missed nothing and heard nothing twice. */
export interface Faults {
  gaps: number;
  duplicates: number;
  /** Entries whose broadcast had already come under another number. */
  repeated: number;
  resets: number;
  behind: number;
  refused: number;
}

/** A plain socket.io-client that keeps its cursor, and counts what it hears instead of keeping it. */
export class StormClient {
  readonly faults: Faults = { gaps: 0, duplicates: 0, repeated: 0, resets: 0, behind: 0, refused: 0 };
  /** Milliseconds from the beginning of each new TCP connection until everything missed was there. */
  readonly replays: number[] = [];
  /** The same from the cut, or from the first one if it was cut again before. */
  readonly outages: number[] = [];
  cuts = 0;
  /** The number of the last entry; the feed is empty before the first broadcast. */
  seq = 0;
  readonly #line: Line;
  readonly #socket: Socket;
  readonly #heard = new Set<number>();
  #cursor: string | undefined;
  /** The head that this connection has to reach to be caught up. */
  #awaited: string | undefined;
  #cutAt: number | undefined;
  #ready = false;

  constructor({ person, ports, first, reconnectMs }: ClientOptions) {
    this.#line = new Line(ports, first);
    this.#socket = io(`http://127.0.0.1/${service}`, {
      transports: ['websocket'],
      forceNew: true,
      // Typed as for browsers, which have no agents; in Node it is handed on to `ws`.
      agent: this.#line as unknown as string,
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

  /** Welcomed, with a cursor to come back with, and not cut since. */
  get ready(): boolean {
    return this.#ready;
  }

  cut(): void {
    this.cuts += 1;
    this.#ready = false;
    this.#cutAt ??= performance.now();
    this.#line.cut();
  }

  close(): void {
    this.#socket.disconnect();
    this.#line.destroy();
  }

  #onReady(head: string): void {
    this.#ready = true;
    this.#cursor ??= head;
    this.#awaited = head;
    if (this.#cursor === head) this.#caughtUp();
  }

  /** A client without a cursor can only be told late where it starts; one with a cursor would have missed something. */
  #onReset(head: string): void {
    if (this.#cursor !== undefined) this.faults.resets += 1;
    this.#onReady(head);
  }

  #onEntry(number: number, seq: number, cursor: string): void {
    if (seq <= this.seq) this.faults.duplicates += 1;
    if (seq > this.seq + 1) this.faults.gaps += 1;
    if (this.#heard.has(number)) this.faults.repeated += 1;
    this.#heard.add(number);
    this.seq = seq;
    this.#cursor = cursor;
    if (cursor === this.#awaited) this.#caughtUp();
  }

  #caughtUp(): void {
    this.#awaited = undefined;
    if (this.#cutAt === undefined) return;
    const now = performance.now();
    this.replays.push(now - this.#line.connectedAt);
    this.outages.push(now - this.#cutAt);
    this.#cutAt = undefined;
  }
}
