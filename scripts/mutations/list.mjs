/**
 * @typedef {{ from: string, to: string }} Edit
 *
 * One guard taken out at a time, and the tests that must notice. `from` occurs once in `file`; `and` is a second edit
 * that the first one needs in order to be the mistake that is meant, and no other.
 *
 * @type {readonly (Edit & { guard: string, file: string, and?: Edit, tests: readonly string[] })[]}
 */
export const mutations = [
  {
    guard: 'inbox check: what was handled is not handled again',
    file: 'packages/unit-of-work/src/inbox/consumer.ts',
    from: 'if (handled.has(event.id) && !isReplayed(event)) continue;',
    to: '',
    tests: ['packages/unit-of-work/test/consumer.test.ts'],
  },
  {
    guard: 'confirm wait: an event is published when the broker says so',
    file: 'packages/event-bus/src/rabbitmq/publisher.ts',
    from: '{ ...properties, mandatory: true }, answered);',
    to: '{ ...properties, mandatory: true });\n        answered(null);',
    tests: ['packages/event-bus/test/rabbitmq-outages.test.ts', 'packages/event-bus/test/rabbitmq.test.ts'],
  },
  {
    guard: 'join before read: a push that comes while a socket starts counts',
    file: 'packages/realtime/src/feed/user-feed.ts',
    from: 'const { counters } = this.#context;\n    this.#raise(entry);',
    to: "const { counters } = this.#context;\n    if ([...this.sockets].some(({ mode }) => mode !== 'opening')) this.#raise(entry);",
    tests: ['packages/realtime/test/feed.test.ts'],
  },
  {
    guard: 'version check: a copy takes only what is newer',
    file: 'services/notification/src/store/user-copies.ts',
    from: 'time_zone = excluded.time_zone\n    WHERE copy.version < excluded.version`',
    to: 'time_zone = excluded.time_zone`',
    tests: ['services/notification/test/convergence.property.test.ts'],
  },
  {
    guard: 'acknowledge after commit: the broker keeps a delivery until it was handled',
    file: 'packages/event-bus/src/rabbitmq/consumer.ts',
    from: 'this.#intake.push(held);',
    to: 'this.#intake.push(held);\n    channel.ack(message);',
    and: { from: 'held.channel.ack(held.message, andEarlier);', to: 'void andEarlier;' },
    tests: ['packages/event-bus/test/rabbitmq.test.ts'],
  },
  {
    guard: 'relay poll: what a crash left is found',
    file: 'packages/unit-of-work/src/outbox/relay.ts',
    from: 'const limit = Math.min(this.#room, mostPerClaim);',
    to: 'const limit = Math.min(0, this.#room, mostPerClaim);',
    tests: ['packages/unit-of-work/test/relay.test.ts'],
  },
  {
    guard: 'sweep: a lost push with nothing after it is made good',
    file: 'packages/realtime/src/feed/sweep.ts',
    from: 'if (head) user.noteHead(head, sentBefore[i] ?? 0);',
    to: 'if (head && sentBefore[i] === undefined) user.noteHead(head, 0);',
    tests: ['packages/realtime/test/feed.test.ts'],
  },
  {
    guard: 'gap check: an entry is sent only after the one before it',
    file: 'packages/realtime/src/feed/feed-socket.ts',
    from: 'if (entry.seq > this.sent + 1) {',
    to: 'if (entry.seq > this.sent + 1_000) {',
    tests: ['packages/realtime/test/feed.test.ts'],
  },
  {
    guard: 'sorted locks: two batches do not wait for each other in a circle',
    file: 'packages/unit-of-work/src/transaction/locks.ts',
    from: 'return [...keys].sort((a, b) => (a < b ? -1 : 1)).map(String);',
    to: 'return [...keys].map(String);',
    tests: ['packages/unit-of-work/test/locks.test.ts'],
  },
  {
    guard: 'idempotency lock: a second request on a key in progress is refused',
    file: 'packages/unit-of-work/src/once/once.ts',
    from: "if (!row?.free) throw new AppError('request-in-progress');",
    to: '',
    tests: ['packages/unit-of-work/test/once.test.ts'],
  },
  {
    guard: 'held copies: nothing is written for a person who is being erased',
    file: 'services/notification/src/store/user-copies.ts',
    from: 'ORDER BY id FOR SHARE`',
    to: 'ORDER BY id`',
    tests: ['services/notification/test/erasure.test.ts'],
  },
  {
    guard: 'project handlers only: a replay repeats no effect',
    file: 'packages/unit-of-work/src/inbox/consumer.ts',
    from: "return isReplayed(event) ? all.filter(({ kind }) => kind === 'project') : all;",
    to: 'return all;',
    tests: ['packages/unit-of-work/test/replay.test.ts'],
  },
  {
    guard: 'crash guard: a crasher takes no neighbours',
    file: 'packages/unit-of-work/src/inbox/consumer.ts',
    from: '(batch[index]?.redelivered ? suspected : events).set(',
    to: '(batch[index] ? events : suspected).set(',
    tests: ['packages/unit-of-work/test/suspects.test.ts'],
  },
  {
    guard: 'type by routing key: no service speaks for another',
    file: 'packages/event-bus/src/rabbitmq/messages.ts',
    from: 'if (exchange === eventsExchange) return routingKey;',
    to: 'if (exchange === eventsExchange) return said ?? routingKey;',
    tests: ['packages/event-bus/test/rabbitmq-messages.test.ts'],
  },
  {
    guard: 'ask before repeating: a provider call that a crash interrupted is not made twice',
    file: 'services/payment/src/operations/provider-calls.ts',
    from: "attempt === 'again' ? await provider.retrieve(operation, signal) : undefined",
    to: "attempt === 'first' ? await provider.retrieve(operation, signal) : undefined",
    tests: ['services/payment/test/crashes.test.ts'],
  },
  {
    guard: 'held amounts: refunds under way count',
    file: 'services/payment/src/domain/refund.ts',
    from: 'payment.amount - payment.amountRefunded - refundsPending',
    to: 'payment.amount - payment.amountRefunded',
    tests: ['services/payment/test/refunds.test.ts'],
  },
  {
    guard: 'late notices: one that comes while the provider is being asked is not lost',
    file: 'services/payment/src/store/notices.ts',
    from: 'leased_until = now(), notices = notices + 1',
    to: 'leased_until = now()',
    tests: ['services/payment/test/notices.test.ts'],
  },
  {
    guard: 'end of a transaction: what a handler forgot to await does not run on a connection of others',
    file: 'packages/service-kit/src/database/prisma/kit-transaction.ts',
    from: '  async executeRaw(query: SqlQuery): Promise<number> {\n    if (this.#over) throw this.#over;',
    to: '  async executeRaw(query: SqlQuery): Promise<number> {',
    tests: ['packages/bench/test/prisma-client.test.ts'],
  },
  {
    guard: 'bursts: an event does not wait for one that is never confirmed',
    file: 'packages/unit-of-work/src/outbox/bursts.ts',
    from: 'else this.#timer ??= setTimeout(() => this.flush(), this.#longestMs);',
    to: '',
    tests: ['packages/unit-of-work/test/relay.test.ts'],
  },
  {
    guard: 'sign of life: a node that has nothing to push is not forgotten by the others',
    file: 'packages/realtime/src/nodes/rabbitmq.ts',
    from: 'setInterval(() => this.#tellAlive(this.#channel.current), everyMs)',
    to: 'setInterval(() => undefined, everyMs)',
    tests: ['packages/realtime/test/nodes.test.ts'],
  },
];
