import type { MarkReadAction, PayAction, RegisterAction, RenameAction } from '../ledger.js';
import { type Service, services } from '../services.js';
import { Client } from './client.js';
import { call } from './http.js';
import { insist, type Try } from './insist.js';
import type { World } from './world.js';

const password = 'correct horse battery staple';

interface SignedIn {
  user: { id: string };
  accessToken: string;
}

/** Somebody with an account and tabs on all three namespaces. */
export class Person {
  readonly id: string;
  readonly clients: Client[] = [];
  readonly #world: World;
  readonly #name: string;
  readonly #token: string;
  readonly #marked = new Set<string>();

  private constructor(world: World, name: string, { user, accessToken }: SignedIn) {
    this.#world = world;
    this.#name = name;
    this.id = user.id;
    this.#token = accessToken;
    for (const service of services) this.openTab(service);
  }

  /** `undefined` if the run ended before there was an answer, or it was no. */
  static async register(world: World, action: RegisterAction): Promise<Person | undefined> {
    const { email, displayName, attempts } = action;
    const outcome = await insist(world, attempts, () => registerOrSignIn(world, email, displayName));
    settle(action, outcome);
    if (outcome.kind !== 'accepted') return undefined;
    action.userId = outcome.value.user.id;
    return new Person(world, displayName, outcome.value);
  }

  openTab(service: Service): void {
    const tabs = this.clients.filter(({ view }) => view.service === service).length;
    const view = {
      name: `${this.#name} /${service} #${tabs + 1}`,
      userId: this.id,
      service,
      pulled: [],
      live: [],
      troubles: [],
      connects: 0,
    };
    this.#world.ledger.clients.push(view);
    this.clients.push(new Client(this.#world.url(service), view, this.#token));
  }

  async rename(action: RenameAction): Promise<void> {
    const outcome = await insist(this.#world, action.attempts, () =>
      call<{ version: number }>({
        method: 'PATCH',
        url: `${this.#world.url('user')}/users/me`,
        body: { displayName: action.displayName },
        token: this.#token,
      }),
    );
    settle(action, outcome);
    if (outcome.kind === 'accepted') action.version = outcome.value.version;
  }

  async pay(action: PayAction): Promise<void> {
    const { recipientId, amount, currency, method: paymentMethod, description, key } = action;
    const outcome = await insist(this.#world, action.attempts, () =>
      call<{ id: string }>({
        method: 'POST',
        url: `${this.#world.url('payment')}/payments`,
        body: { recipientId, amount, currency, description, paymentMethod },
        token: this.#token,
        idempotencyKey: key,
      }),
    );
    settle(action, outcome);
    if (outcome.kind === 'accepted') action.paymentId = outcome.value.id;
  }

  /** An unread notification that it has seen, and has marked by no action yet. */
  unmarked(which: number): string | undefined {
    const [tab] = this.clients.filter(({ view }) => view.service === 'notification');
    const ids = (tab?.entries ?? [])
      .filter(({ type }) => type === 'notification.created')
      .map(({ data }) => (data as { notification: { id: string } }).notification.id)
      .filter((id) => !this.#marked.has(id));
    const id = ids[which % ids.length];
    if (id !== undefined) this.#marked.add(id);
    return id;
  }

  async markRead(action: MarkReadAction): Promise<void> {
    const { notificationId: id, commandId } = action;
    const [tab] = this.clients.filter(({ view }) => view.service === 'notification');
    const outcome = await insist(this.#world, action.attempts, async () =>
      tab
        ? await tab.command('notification.mark-read', { id, commandId })
        : { kind: 'again' as const, why: 'no tab' },
    );
    settle(action, outcome);
  }

  async leave(): Promise<void> {
    await Promise.all(this.clients.map((client) => client.close()));
  }
}

/** Registering has no key: who gets no answer and then hears that the email is taken has an account. */
async function registerOrSignIn(world: World, email: string, displayName: string): Promise<Try<SignedIn>> {
  const body = { email, password, displayName };
  const url = world.url('user');
  const registered = await call<SignedIn>({ method: 'POST', url: `${url}/users`, body });
  if (registered.kind !== 'refused' || !registered.why.includes('email-taken')) return registered;
  return call<SignedIn>({ method: 'POST', url: `${url}/sessions`, body: { email, password } });
}

function settle(action: { outcome: string }, outcome: Try<unknown>): void {
  action.outcome = outcome.kind === 'again' ? 'unknown' : outcome.kind;
}
