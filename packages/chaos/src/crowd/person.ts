import type { Ledger, MarkReadAction, PayAction, RegisterAction, RenameAction } from '../ledger.js';
import { type Service, services } from '../services.js';
import { type AttemptResult, retryUntilAnswered, send } from './attempts.js';
import { Client } from './client.js';

/** The surroundings of the simulated people. */
export interface CrowdContext {
  url(service: Service): string;
  ledger: Ledger;
  /** Aborted at the end of the run: people then stop waiting for answers. */
  over: AbortSignal;
}

const password = 'correct horse battery staple';

interface SignedIn {
  user: { id: string };
  accessToken: string;
}

/** A simulated person with an account, and tabs on all three namespaces. */
export class Person {
  readonly id: string;
  readonly clients: Client[] = [];
  readonly #context: CrowdContext;
  readonly #name: string;
  readonly #token: string;
  readonly #marked = new Set<string>();

  private constructor(context: CrowdContext, name: string, { user, accessToken }: SignedIn) {
    this.#context = context;
    this.#name = name;
    this.id = user.id;
    this.#token = accessToken;
    for (const service of services) this.openTab(service);
  }

  /** Returns `undefined` if the registration was refused, or had no answer when the run ended. */
  static async register(context: CrowdContext, action: RegisterAction): Promise<Person | undefined> {
    const { email, displayName, attempts } = action;
    const result = await retryUntilAnswered(context, attempts, () =>
      registerOrSignIn(context, email, displayName),
    );
    recordOutcome(action, result);
    if (result.kind !== 'accepted') return undefined;
    action.userId = result.value.user.id;
    return new Person(context, displayName, result.value);
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
    this.#context.ledger.clients.push(view);
    this.clients.push(new Client(this.#context.url(service), view, this.#token));
  }

  async rename(action: RenameAction): Promise<void> {
    const result = await retryUntilAnswered(this.#context, action.attempts, () =>
      send<{ version: number }>({
        method: 'PATCH',
        url: `${this.#context.url('user')}/users/me`,
        body: { displayName: action.displayName },
        token: this.#token,
      }),
    );
    recordOutcome(action, result);
    if (result.kind === 'accepted') action.version = result.value.version;
  }

  async pay(action: PayAction): Promise<void> {
    const { recipientId, amount, currency, method: paymentMethod, description, key } = action;
    const result = await retryUntilAnswered(this.#context, action.attempts, () =>
      send<{ id: string }>({
        method: 'POST',
        url: `${this.#context.url('payment')}/payments`,
        body: { recipientId, amount, currency, description, paymentMethod },
        token: this.#token,
        idempotencyKey: key,
      }),
    );
    recordOutcome(action, result);
    if (result.kind === 'accepted') action.paymentId = result.value.id;
  }

  /** Picks a received notification that no action has marked as read yet. */
  nextUnread(which: number): string | undefined {
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
    const result = await retryUntilAnswered(this.#context, action.attempts, async () =>
      tab
        ? await tab.command('notification.mark-read', { id, commandId })
        : { kind: 'retry' as const, reason: 'no tab' },
    );
    recordOutcome(action, result);
  }

  async leave(): Promise<void> {
    await Promise.all(this.clients.map((client) => client.close()));
  }
}

/** Registering has no idempotency key: if a repeated attempt finds the email taken, the first one has succeeded. */
async function registerOrSignIn(
  context: CrowdContext,
  email: string,
  displayName: string,
): Promise<AttemptResult<SignedIn>> {
  const body = { email, password, displayName };
  const url = context.url('user');
  const registered = await send<SignedIn>({ method: 'POST', url: `${url}/users`, body });
  if (registered.kind !== 'refused' || !registered.reason.includes('email-taken')) return registered;
  return send<SignedIn>({ method: 'POST', url: `${url}/sessions`, body: { email, password } });
}

function recordOutcome(action: { outcome: string }, result: AttemptResult<unknown>): void {
  action.outcome = result.kind === 'retry' ? 'unknown' : result.kind;
}
