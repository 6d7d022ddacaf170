import { setTimeout as pause } from 'node:timers/promises';
import { io, type Socket } from 'socket.io-client';
import type { ClientView, SeenEntry } from '../ledger.js';
import { type AttemptResult, answerTimeoutMs } from './attempts.js';

type Meta = { seq: number; cursor: string; id: string; time: string };
type Pulled = { entries: (Meta & { type: string; data: unknown })[]; head: string };
type Ack = { ok: true; data: unknown } | { ok: false; error: { code: string; temporary: boolean } };

/**
 * One browser tab on one namespace: a plain socket.io-client that keeps its cursor, reconnects as the protocol
 * describes, and records the entries that it receives.
 */
export class Client {
  readonly view: ClientView;
  readonly #socket: Socket;
  #cursor: string | undefined;
  #open = true;
  #complete = false;
  #work: Promise<void> = Promise.resolve();

  constructor(url: string, view: ClientView, token: string) {
    this.view = view;
    this.#socket = io(`${url}/${view.service}`, {
      transports: ['websocket'],
      forceNew: true,
      timeout: 5_000,
      reconnectionDelay: 100,
      reconnectionDelayMax: 1_000,
      auth: (give) => give({ token, ...(this.#cursor !== undefined && { cursor: this.#cursor }) }),
    });
    this.#socket.onAny((name: string, ...args: unknown[]) => this.#receive(name, args));
    this.#socket.on('connect', () => {
      this.view.connects += 1;
    });
    this.#socket.on('connect_error', (error) => this.#refused(error));
    this.#socket.on('disconnect', (reason) => {
      if (reason === 'io server disconnect') this.#connectLater();
    });
  }

  /** The newest number that it has seen, or 0 if it has seen none. `undefined` until it has pulled the older entries. */
  get seen(): number | undefined {
    if (!this.#complete) return undefined;
    return this.view.live.at(-1)?.seq ?? this.view.pulled.at(-1)?.seq ?? 0;
  }

  /** The entries that it has seen, in order. */
  get entries(): readonly SeenEntry[] {
    return [...this.view.pulled, ...this.view.live];
  }

  async command(name: string, input: unknown): Promise<AttemptResult<unknown>> {
    try {
      const answer: Ack = await this.#socket.timeout(answerTimeoutMs).emitWithAck(name, input);
      if (answer.ok) return { kind: 'accepted', value: answer.data };
      const { code, temporary } = answer.error;
      return { kind: temporary ? 'retry' : 'refused', reason: code };
    } catch (error) {
      return { kind: 'retry', reason: (error as Error).message };
    }
  }

  /** Disconnects, and connects again with its cursor after `forMs`. */
  async goAway(forMs: number, over: AbortSignal): Promise<void> {
    this.#socket.disconnect();
    await pause(forMs, undefined, { signal: over }).catch(() => undefined);
    if (this.#open) this.#socket.connect();
  }

  async close(): Promise<void> {
    this.#open = false;
    this.#socket.close();
    await this.#work;
  }

  #receive(name: string, args: unknown[]): void {
    const [first] = args;
    if (name === 'session.ready') this.#begin((first as { head: string | null }).head);
    else if (name === 'feed.reset') this.#reset(first as { head: string; reason: string });
    else if (name === 'feed.behind') this.#enqueue(() => this.#catchUp());
    else if (name === 'session.ended') this.view.troubles.push(`session.ended ${JSON.stringify(first)}`);
    else this.#addEntry(name, args);
  }

  #addEntry(name: string, args: unknown[]): void {
    const meta = args[1] as Meta | undefined;
    if (typeof meta?.seq !== 'number') return;
    this.view.live.push(seenEntry(name, args[0], meta));
    this.#cursor = meta.cursor;
  }

  /** Starts at this cursor, and pulls the older entries, so that its view is complete. */
  #begin(head: string | null): void {
    if (head === null || this.#cursor !== undefined) return;
    this.#cursor = head;
    this.#enqueue(() => this.#pullOlderEntries());
  }

  #reset({ head, reason }: { head: string; reason: string }): void {
    // The only allowed reset: the client had no cursor yet, because the feed couldn't be read until now.
    if (reason === 'unavailable' && this.#cursor === undefined) this.#begin(head);
    else this.view.troubles.push(`feed.reset ${reason}`);
  }

  async #pullOlderEntries(): Promise<void> {
    const found: SeenEntry[] = [];
    for await (const page of this.#pages(undefined)) {
      found.push(...page.entries.map((entry) => seenEntry(entry.type, entry.data, entry)));
    }
    this.view.pulled.push(...found);
    this.#complete = true;
  }

  /** Pulls from its cursor to the head. The server asks for this if the client reads too slowly. */
  async #catchUp(): Promise<void> {
    for await (const page of this.#pages(this.#cursor)) {
      for (const entry of page.entries) {
        this.view.live.push(seenEntry(entry.type, entry.data, entry));
        this.#cursor = entry.cursor;
      }
    }
  }

  async *#pages(after: string | undefined): AsyncGenerator<Pulled> {
    let from = after;
    while (this.#open) {
      const answer = await this.command('feed.pull', {
        limit: 100,
        ...(from !== undefined && { after: from }),
      });
      if (answer.kind === 'refused') {
        this.view.troubles.push(`feed.pull ${answer.reason}`);
        return;
      }
      if (answer.kind === 'retry') {
        await pause(250);
        continue;
      }
      const page = answer.value as Pulled;
      yield page;
      from = page.entries.at(-1)?.cursor ?? from;
      if (page.entries.length === 0 || from === page.head) return;
    }
  }

  /** The library doesn't repeat a refused handshake. */
  #refused(error: Error & { data?: { code?: string; temporary?: boolean } }): void {
    if (error.data === undefined) return;
    if (error.data.temporary !== true) this.view.troubles.push(`refused ${error.data.code}`);
    this.#connectLater();
  }

  #connectLater(): void {
    this.#enqueue(async () => {
      await pause(500);
      if (this.#open) this.#socket.connect();
    });
  }

  /** Runs tasks one after the other. `close` waits for them. */
  #enqueue(work: () => Promise<void>): void {
    this.#work = this.#work.then(work).catch((error: Error) => {
      this.view.troubles.push(`the simulated client failed: ${error.stack}`);
    });
  }
}

function seenEntry(type: string, data: unknown, { seq, id, time }: Meta): SeenEntry {
  return { seq, type, id, time, data };
}
