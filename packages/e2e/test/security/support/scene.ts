import { randomUUID } from 'node:crypto';
import { eventually } from '@warren/testing';
import pg from 'pg';
import { Person } from '../../support/person.js';
import type { SeparateSystem } from '../../support/system.js';

/** `owner` owns the thing, `counterpart` is its other party, `revoked` is the owner with a session that has ended. */
export const roles = ['nobody', 'owner', 'counterpart', 'stranger', 'revoked', 'admin'] as const;
export type Role = (typeof roles)[number];

type People = Record<Exclude<Role, 'nobody' | 'revoked'>, Person>;

/** People and their things. Each call creates a new thing, so that tests don't influence each other. */
export class Scene {
  readonly #system: SeparateSystem;
  readonly owner: Person;
  readonly #people: People;
  #subscriptionId?: string;

  private constructor(system: SeparateSystem, people: People) {
    this.#system = system;
    this.owner = people.owner;
    this.#people = people;
  }

  static async set(system: SeparateSystem): Promise<Scene> {
    const named = async (name: string) => Person.register(system, name);
    const people = {
      owner: await named('Ada'),
      counterpart: await named('Grace'),
      stranger: await named('Mallory'),
      admin: await named('Root'),
    };
    const client = new pg.Client(system.database('user'));
    await client.connect();
    await client.query(`UPDATE users SET roles = '{admin}' WHERE id = $1`, [people.admin.id]);
    await client.end();
    const scene = new Scene(system, people);
    // From now on the other services have copies of both.
    await scene.payment();
    return scene;
  }

  /** The person of this role in a new session; `undefined` for `nobody`. */
  async as(role: Role): Promise<Person | undefined> {
    if (role === 'nobody') return undefined;
    const person = await this.#people[role === 'revoked' ? 'owner' : role].signInAgain();
    if (role === 'revoked') {
      const path = `/sessions/${person.sessionId}`;
      await this.owner.http('user', 'DELETE', path);
      // Wait until every service knows that the session has ended.
      await eventually(async () => {
        for (const [service, own] of [
          ['user', '/users/me'],
          ['payment', '/balance'],
          ['notification', '/preferences'],
        ] as const) {
          const { status } = await person.http(service, 'GET', own);
          if (status !== 401) throw new Error(`${service} does not know yet`);
        }
      });
    }
    return person;
  }

  /** A new person. */
  newcomer(): Promise<Person> {
    return Person.register(this.#system, 'Newcomer');
  }

  /** An unused refresh token of a new person. */
  async refreshable(): Promise<{ refreshToken: string }> {
    const { email, password } = await this.newcomer();
    const { body } = await this.owner.http('user', 'POST', '/sessions', { email, password });
    return { refreshToken: body.refreshToken as string };
  }

  /** A refresh token of a session that has reached the limit of refreshes per half minute. */
  async rotatedOften(): Promise<string> {
    let { refreshToken } = await this.refreshable();
    for (let times = 0; times < 150; times += 1) {
      const { status, body } = await this.owner.http('user', 'POST', '/sessions/refresh', { refreshToken });
      if (status !== 200) break;
      refreshToken = body.refreshToken as string;
    }
    return refreshToken;
  }

  /** A new person who has requested a password reset. */
  async askedForReset(): Promise<Person> {
    const person = await this.newcomer();
    await person.http('user', 'POST', '/password-resets', { email: person.email });
    return person;
  }

  /** Creates a session of the owner, and returns its id. */
  async session(): Promise<string> {
    return (await this.owner.signInAgain()).sessionId;
  }

  /** A payment that waits for the owner, to a recipient who has deleted their account. Returns its id. */
  async paymentToNobody(): Promise<string> {
    const recipient = await this.newcomer();
    const id = await eventually(() => this.payment('pm_card_authenticationRequired', recipient));
    const { password } = recipient;
    await recipient.http('user', 'POST', '/users/me/deletion', { password });
    await eventually(async () => {
      const { body } = await this.owner.pay(recipient, 1_000);
      if (body.code !== 'recipient-gone') throw new Error('payment does not know yet');
    });
    return id;
  }

  /** A payment of the owner, by default to the counterpart. Returns its id. */
  async payment(method = 'pm_card_visa', recipient = this.#people.counterpart): Promise<string> {
    const { status, body } = await this.owner.pay(recipient, 1_000, { method });
    if (status !== 201) throw new Error(`no payment: ${JSON.stringify(body)}`);
    return body.id as string;
  }

  get counterpartId(): string {
    return this.#people.counterpart.id;
  }

  get ownerEmail(): string {
    return this.owner.email;
  }

  /** The id of a notification of the owner. */
  async notification(): Promise<string> {
    return eventually(async () => {
      const { body } = await this.owner.http('notification', 'GET', '/notifications?state=all&limit=1');
      const [item] = body.items as { id: string }[];
      if (!item) throw new Error('no notification yet');
      return item.id;
    });
  }

  /** A push subscription of the owner. Returns the last one if the limit of subscribing is reached. */
  async subscription(keys: { p256dh: string; auth: string }): Promise<string> {
    const { status, body } = await this.owner.http('notification', 'POST', '/push-subscriptions', {
      endpoint: this.endpoint(),
      keys,
    });
    if (status === 429 && this.#subscriptionId) return this.#subscriptionId;
    if (status !== 201) throw new Error(`no subscription: ${JSON.stringify(body)}`);
    this.#subscriptionId = body.id as string;
    return this.#subscriptionId;
  }

  /** A new push endpoint. */
  endpoint(): string {
    return `https://push.example.org/${randomUUID()}`;
  }
}
