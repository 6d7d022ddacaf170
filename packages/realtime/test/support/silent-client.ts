import { eventually } from '@warren/testing';
import { service, token } from './node.js';
import { type RawSocket, rawSocket } from './raw-socket.js';

interface Entry {
  seq: number;
  cursor: string;
}

/** A client that reads only when told to. It stays connected because it sends pongs regularly, without reading pings. */
export class SilentClient {
  readonly #raw: RawSocket;
  readonly #pong: NodeJS.Timeout;
  #pulls = 0;

  private constructor(raw: RawSocket, pongEveryMs: number) {
    this.#raw = raw;
    this.#pong = setInterval(() => raw.send('3'), pongEveryMs);
  }

  /** Joins, waits for `session.ready` and stops reading. */
  static async join(port: number, userId: string, pongEveryMs: number): Promise<SilentClient> {
    const raw = await rawSocket(port);
    const client = new SilentClient(raw, pongEveryMs);
    raw.send(`40/${service},${JSON.stringify({ token: token(userId) })}`);
    await eventually(() => client.#first('session.ready'));
    raw.pause();
    return client;
  }

  read(): void {
    this.#raw.resume();
  }

  /** The pushed entries that it has read. */
  get pushed(): Entry[] {
    return this.#events.flatMap(([, , meta]) => (meta ? [meta as Entry] : []));
  }

  /** Resolves when the client has read `feed.behind`. */
  async behind(): Promise<void> {
    await eventually(() => this.#first('feed.behind'), { within: 20_000 });
  }

  /** Sends `feed.pull` and resolves to the answer. */
  async pull(after: string): Promise<{ entries: Entry[]; head: string }> {
    this.#pulls += 1;
    const id = this.#pulls;
    this.#raw.send(`42/${service},${id}${JSON.stringify(['feed.pull', { after, limit: 500 }])}`);
    const start = `43/${service},${id}[`;
    const text = await eventually(() => {
      const found = this.#raw.messages.findLast((message) => message.startsWith(start));
      if (!found) throw new Error(`pull ${id} has no answer`);
      return found;
    });
    const [answer] = JSON.parse(text.slice(start.length - 1));
    if (!answer.ok) throw new Error(JSON.stringify(answer));
    return answer.data;
  }

  leave(): void {
    clearInterval(this.#pong);
    this.#raw.destroy();
  }

  get #events(): [string, unknown, unknown?][] {
    const start = `42/${service},`;
    return this.#raw.messages.flatMap((message) =>
      message.startsWith(start) ? [JSON.parse(message.slice(start.length))] : [],
    );
  }

  #first(event: string): unknown {
    const found = this.#events.find(([name]) => name === event);
    if (!found) throw new Error(`${event} has not come`);
    return found;
  }
}
