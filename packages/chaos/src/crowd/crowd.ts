import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import type { Action } from '../ledger.js';
import type { PlannedAction } from '../plan/actions.js';
import { services } from '../services.js';
import { type CrowdContext, Person } from './person.js';

/** How many actions may wait for their answers at once. More would only overload the machine. */
const maxWaiting = 40;

/** The simulated people and their actions. */
export class Crowd {
  readonly people: Person[] = [];
  readonly #context: CrowdContext;
  readonly #running = new Set<Promise<void>>();
  readonly #tag = randomUUID().slice(0, 8);
  /** The first error of the simulation itself. */
  #failure: unknown;

  constructor(context: CrowdContext) {
    this.#context = context;
  }

  /** Starts each planned action when it is due. Resolves when all have started, or when `stop` is aborted. */
  async act(plan: readonly PlannedAction[], stop: AbortSignal): Promise<void> {
    const began = Date.now();
    for (const planned of plan) {
      const early = began + planned.at - Date.now();
      if (early > 0) await pause(early, undefined, { signal: stop }).catch(() => undefined);
      if (stop.aborted) return;
      if (this.#running.size < maxWaiting || planned.at === 0) this.#begin(planned);
      else this.#context.ledger.skipped += 1;
    }
  }

  /** The number of actions without an answer. */
  get waiting(): number {
    return this.#running.size;
  }

  /** Resolves when every action has its answer, or the run is over. Rejects if the simulation itself failed. */
  async answered(): Promise<void> {
    await Promise.all(this.#running);
    if (this.#failure !== undefined) throw this.#failure;
  }

  async leave(): Promise<void> {
    await Promise.all(this.people.map((person) => person.leave()));
  }

  #begin(planned: PlannedAction): void {
    const running = this.#do(planned)
      .catch((error: unknown) => {
        this.#failure ??= error;
      })
      .finally(() => this.#running.delete(running));
    this.#running.add(running);
  }

  async #do(planned: PlannedAction): Promise<void> {
    if (planned.kind === 'register') return this.#register(planned.id);
    const person = at(this.people, planned.person);
    if (!person) return; // Nobody has registered yet.
    switch (planned.kind) {
      case 'rename': {
        const displayName = `Name ${planned.id} ${this.#tag}`;
        return person.rename(
          this.#record({ ...this.#base(planned), kind: 'rename', userId: person.id, displayName }),
        );
      }
      case 'pay': {
        const recipient = at(
          this.people.filter((other) => other !== person),
          planned.recipient,
        );
        if (!recipient) return;
        const { amount, currency, method } = planned;
        return person.pay(
          this.#record({
            ...this.#base(planned),
            kind: 'pay',
            userId: person.id,
            recipientId: recipient.id,
            amount,
            currency,
            method,
            key: randomUUID(),
            description: `${planned.id} ${this.#tag}`,
          }),
        );
      }
      case 'mark-read': {
        const notificationId = person.nextUnread(planned.which);
        if (notificationId === undefined) return;
        return person.markRead(
          this.#record({
            ...this.#base(planned),
            kind: 'mark-read',
            userId: person.id,
            notificationId,
            commandId: randomUUID(),
          }),
        );
      }
      case 'open-tab':
        return person.openTab(services[planned.namespace % services.length] ?? 'notification');
      case 'go-away':
        return at(person.clients, planned.client)?.goAway(planned.forMs, this.#context.over);
    }
  }

  async #register(id: string): Promise<void> {
    const action = this.#record({
      ...this.#base({ id }),
      kind: 'register',
      email: `${id}-${this.#tag}@example.org`,
      displayName: `Person ${id}`,
    });
    const person = await Person.register(this.#context, action);
    if (person) this.people.push(person);
  }

  #base({ id }: { id: string }) {
    return { id, at: this.#context.ledger.now(), outcome: 'unknown' as const, attempts: [] };
  }

  #record<A extends Action>(action: A): A {
    this.#context.ledger.actions.push(action);
    return action;
  }
}

function at<T>(items: readonly T[], index: number): T | undefined {
  return items[index % items.length];
}
