import { Socket } from 'node:net';

interface Counts {
  /** Times that something was sent after the last was answered. */
  roundTrips: number;
  /** Writes to the operating system. */
  writes: number;
}

type Done = (error?: Error | null) => void;

/** Counts what a connection to PostgreSQL costs. */
export class CountingSocket extends Socket {
  readonly counts: Counts = { roundTrips: 0, writes: 0 };
  #answered = true;

  constructor() {
    super();
    this.on('data', () => {
      this.#answered = true;
    });
  }

  static sum(sockets: readonly CountingSocket[]): Counts {
    const sum = { roundTrips: 0, writes: 0 };
    for (const { counts } of sockets) {
      sum.roundTrips += counts.roundTrips;
      sum.writes += counts.writes;
    }
    return sum;
  }

  override _write(chunk: unknown, encoding: BufferEncoding, done: Done): void {
    this.#count();
    super._write(chunk, encoding, done);
  }

  override _writev(chunks: { chunk: unknown; encoding: BufferEncoding }[], done: Done): void {
    this.#count();
    super._writev?.(chunks, done);
  }

  #count(): void {
    this.counts.writes += 1;
    if (this.#answered) this.counts.roundTrips += 1;
    this.#answered = false;
  }
}
