import { randomUUID } from 'node:crypto';
import { SocketLog } from './socket-log.js';
import type { ServiceName, System } from './system.js';

export interface Answer {
  status: number;
  body: Record<string, unknown>;
}

/** A person with an account, a token and sockets, who uses only HTTP and plain socket.io-client. */
export class Person {
  readonly #system: System;
  readonly #logs: SocketLog[] = [];
  readonly email: string;
  readonly password = 'correct horse battery staple';
  id = '';
  token = '';

  private constructor(system: System, email = `${randomUUID()}@example.org`) {
    this.#system = system;
    this.email = email;
  }

  static async register(system: System, displayName: string, locale = 'en'): Promise<Person> {
    const person = new Person(system);
    const { email, password } = person;
    const answer = await person.http('user', 'POST', '/users', { email, password, displayName, locale });
    if (answer.status !== 201) throw new Error(`registration: ${JSON.stringify(answer)}`);
    person.id = (answer.body.user as { id: string }).id;
    person.token = answer.body.accessToken as string;
    return person;
  }

  /** The same person in a new session with its own token. */
  async signInAgain(): Promise<Person> {
    const { email, password } = this;
    const { status, body } = await this.http('user', 'POST', '/sessions', { email, password });
    if (status !== 201) throw new Error(`sign-in: ${JSON.stringify(body)}`);
    const again = new Person(this.#system, email);
    again.id = this.id;
    again.token = body.accessToken as string;
    return again;
  }

  /** The id of the token's session. */
  get sessionId(): string {
    const [, claims = ''] = this.token.split('.');
    return (JSON.parse(Buffer.from(claims, 'base64url').toString()) as { sid: string }).sid;
  }

  async http(
    service: ServiceName,
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Answer> {
    const response = await fetch(`${this.#system.urls(service)[0]}${path}`, {
      method,
      headers: {
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...(this.token && { authorization: `Bearer ${this.token}` }),
        ...headers,
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(20_000),
    });
    const text = await response.text();
    return { status: response.status, body: text ? JSON.parse(text) : {} };
  }

  /** Pays. Repeats the request with the same key while the answer is temporary, as clients do. */
  async pay(
    recipient: Person,
    amount: number,
    options: { currency?: string; method?: string } = {},
  ): Promise<Answer> {
    const key = randomUUID();
    const body = {
      recipientId: recipient.id,
      amount,
      currency: options.currency ?? 'EUR',
      paymentMethod: options.method ?? 'pm_card_visa',
    };
    const deadline = Date.now() + 60_000;
    for (;;) {
      const answer = await this.http('payment', 'POST', '/payments', body, { 'idempotency-key': key }).catch(
        (error: unknown) => ({ status: 0, body: { temporary: true, error } }) as Answer,
      );
      if (answer.status === 201 || answer.body.temporary !== true || Date.now() > deadline) return answer;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  /** Connects to a namespace and waits for `session.ready`. */
  async connect(
    service: ServiceName,
    options: { cursor?: string; instance?: number } = {},
  ): Promise<SocketLog> {
    const url = this.#system.urls(service)[options.instance ?? 0] as string;
    const log = new SocketLog(`${url}/${service}`, () => this.token, options.cursor);
    this.#logs.push(log);
    await log.waitFor('session.ready');
    return log;
  }

  leave(): void {
    for (const log of this.#logs) log.close();
  }
}
