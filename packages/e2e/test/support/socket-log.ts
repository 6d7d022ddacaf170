import { eventually } from '@warren/testing';
import { io, type Socket } from 'socket.io-client';

export interface LoggedEntry {
  type: string;
  data: Record<string, unknown>;
  meta: { seq: number; cursor: string; id: string; time: string };
}

/** A plain socket.io-client that keeps its cursor and records every event. */
export class SocketLog {
  readonly socket: Socket;
  readonly entries: LoggedEntry[] = [];
  readonly heard: { name: string; args: unknown[] }[] = [];
  cursor: string | undefined;

  constructor(url: string, token: () => string, cursor?: string) {
    this.cursor = cursor;
    this.socket = io(url, {
      transports: ['websocket'],
      forceNew: true,
      reconnectionDelay: 50,
      reconnectionDelayMax: 500,
      auth: (give) => give({ token: token(), ...(this.cursor && { cursor: this.cursor }) }),
    });
    this.socket.onAny((name: string, ...args: unknown[]) => this.#hear(name, args));
    this.socket.on('connect_error', (error) => this.heard.push({ name: 'connect_error', args: [error] }));
  }

  #hear(name: string, args: unknown[]): void {
    this.heard.push({ name, args });
    if (name === 'session.ready') this.cursor ??= (args[0] as { head: string | null }).head ?? undefined;
    const meta = args[1] as LoggedEntry['meta'] | undefined;
    if (typeof meta?.seq !== 'number') return;
    this.entries.push({ type: name, data: args[0] as Record<string, unknown>, meta });
    this.cursor = meta.cursor;
  }

  waitFor(name: string, within = 15_000): Promise<unknown[]> {
    return eventually(
      () => {
        const found = this.heard.find((event) => event.name === name);
        if (!found)
          throw new Error(`no ${name} among ${JSON.stringify(this.heard.map((event) => event.name))}`);
        return found.args;
      },
      { within },
    );
  }

  /** Waits for an entry that matches, and returns the first one. */
  entry(
    type: string,
    fits: (data: Record<string, unknown>) => boolean,
    within = 40_000,
  ): Promise<LoggedEntry> {
    return eventually(
      () => {
        const found = this.entries.find((entry) => entry.type === type && fits(entry.data));
        if (!found) throw new Error(`no such ${type} among ${JSON.stringify(this.entries)}`);
        return found;
      },
      { within },
    );
  }

  /** The sequence numbers of all entries so far. */
  get seqs(): number[] {
    return this.entries.map((entry) => entry.meta.seq);
  }

  command(name: string, input: unknown): Promise<Record<string, unknown>> {
    return this.socket.timeout(10_000).emitWithAck(name, input);
  }

  close(): void {
    this.socket.close();
  }
}
