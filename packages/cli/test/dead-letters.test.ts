import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { createRabbitMqEventBus, retryQueue } from '@warren/event-bus';
import { eventually } from '@warren/testing';
import { declareQueuesOf } from '../../event-bus/test/support/letters.js';
import { type Bench, describeOnBrokers, proxied, silent } from '../../event-bus/test/support/rabbitmq.js';
import { record, uniqueName } from '../../event-bus/test/support/recorder.js';
import { type Live, type Ran, warren } from './support/cli.js';
import { type ServiceDatabase, serviceDatabase } from './support/database.js';
import { idOf, type Letter, put, waiting } from './support/letters.js';

describeOnBrokers('warren dead-letters', (openBench) => {
  let bench: Bench;
  let service: string;

  beforeAll(async () => {
    bench = await openBench();
  });
  afterAll(() => bench.close());
  beforeEach(async () => {
    service = uniqueName('service');
    await declareQueuesOf(bench, service, ['user.updated']);
  });

  const run = (line: string, env: Record<string, string> = {}, live?: Live): Promise<Ran> =>
    warren(`dead-letters ${line} --service ${service}`, { AMQP_URL: bench.url, ...env }, live);

  /** What was given back takes a moment to be there again. */
  const settled = (counts: { events: number; dead: number }) =>
    eventually(async () => expect(await waiting(bench, service)).toEqual(counts));

  const lettersOf = (count: number, given: Partial<Letter> = {}): Letter[] =>
    Array.from({ length: count }, () => ({ id: idOf(given.daysOld), ...given }));

  describe('list and show', () => {
    it('lists sixty times, and all are still there, in order', async () => {
      const letters = lettersOf(5);
      await put(bench, service, letters);
      for (let n = 0; n < 60; n += 1) {
        const { code, json } = await run('list --json');
        expect(code).toBe(0);
        expect(json.map(({ id }) => id)).toEqual(letters.map(({ id }) => id));
        await settled({ events: 0, dead: 5 });
      }
    }, 120_000);

    it('shows what is known, as JSON and for people', async () => {
      const id = idOf(2);
      await put(bench, service, [{ id, reason: 'schema', daysOld: 2, error: 'does not\nfit \u001b[31m' }]);
      const { json, err } = await run('list --json');
      expect(err).toEqual([]);
      expect(json).toMatchObject([
        { id, type: 'user.updated', reason: 'schema', attempts: 1, producer: null },
      ]);
      expect(Math.round(Number(json[0]?.ageSeconds) / 86_400)).toBe(2);
      await settled({ events: 0, dead: 1 });
      const text = (await run('list')).out.join('\n');
      expect(text).toMatch(/^id +type +reason +attempts +first failed +age +error\n/);
      expect(text).toMatch(`${id}  user.updated  schema`);
      expect(text).toMatch(/2 d +does not fit �\[31m$/);
    });

    it('says so when there are none', async () => {
      expect(await run('list')).toMatchObject({ code: 0, out: ['no dead letters'] });
      expect(await run('list --json')).toMatchObject({ code: 0, out: [] });
    });

    it('filters by type, reason, id and time, and bounds what it shows', async () => {
      const [one, two, three] = [
        { id: idOf(), type: 'user.deleted' },
        { id: idOf(), reason: 'crash-loop' },
        { id: idOf(9), daysOld: 9 },
      ] as const;
      await put(bench, service, [one, two, three]);
      const found = async (filter: string) => {
        const { json } = await run(`list --json ${filter}`);
        await settled({ events: 0, dead: 3 });
        return json.map(({ id }) => id);
      };
      expect(await found('--type user.deleted')).toEqual([one.id]);
      expect(await found('--type user.deleted,user.updated')).toEqual([one.id, two.id, three.id]);
      expect(await found('--reason crash-loop')).toEqual([two.id]);
      expect(await found(`--id ${three.id} --id ${one.id}`)).toEqual([one.id, three.id]);
      expect(await found('--since 7d')).toEqual([one.id, two.id]);
      expect(await found('--before 7d')).toEqual([three.id]);
      expect(await found('--type user.updated --since 7d')).toEqual([two.id]);
      const bounded = await run('list --json --limit 2');
      expect(bounded.json.map(({ id }) => id)).toEqual([one.id, two.id]);
      expect(bounded.err).toEqual(['the oldest 2 of 3; --limit goes further']);
      await settled({ events: 0, dead: 3 });
      const short = await run('list --json --before 7d --scan 2');
      expect([short.out, short.err]).toEqual([[], ['looked at 2 of 3 dead letters; --scan goes further']]);
    });

    it('shows one with body and stack', async () => {
      const [letter] = lettersOf(1);
      await put(bench, service, [...lettersOf(1), { id: idOf(), error: 'bad', ...letter }]);
      const shown = await run(`show ${letter?.id} --json`);
      expect(shown.json).toMatchObject([
        { id: letter?.id, stack: 'Error: bad\n    at somewhere', body: { id: letter?.id, data: {} } },
      ]);
      await settled({ events: 0, dead: 2 });
      expect((await run(`show ${letter?.id}`)).out.join('\n')).toContain('    at somewhere\n');
      await settled({ events: 0, dead: 2 });
      expect(await run('show nobody')).toMatchObject({
        code: 1,
        err: ['warren: no dead letter nobody among the 2 that were looked at'],
      });
    });
  });

  describe('retry', () => {
    it('gives each to the service once, as attempt 1, with an audit line each', async () => {
      const letters = lettersOf(3);
      await put(bench, service, letters);
      const bus = createRabbitMqEventBus({ url: bench.url, service, retryDelays: [40], log: silent });
      try {
        const seen = await record(bus, { service, types: ['user.updated'] });
        const ran = await run('retry --json');
        expect(ran.code).toBe(0);
        expect(ran.json).toEqual(
          letters.map(({ id }) => ({ id, type: 'user.updated', outcome: 'retried', dryRun: false })),
        );
        expect(ran.audit).toEqual(
          letters.map(({ id }) => ({
            time: expect.any(String),
            who: expect.any(String),
            command: 'dead-letters retry',
            service,
            id,
            type: 'user.updated',
            outcome: 'retried',
          })),
        );
        expect(ran.err).toContain(
          'no DATABASE_URL: what the inbox holds already, the service itself discards',
        );
        await settled({ events: 0, dead: 0 });
        await eventually(() => expect(seen.deliveries).toHaveLength(3));
        expect(seen.deliveries.map(({ id, attempt }) => ({ id, attempt }))).toEqual(
          letters.map(({ id }) => ({ id, attempt: 1 })),
        );
      } finally {
        await bus.close();
      }
    });

    it('tells what it would do, and changes nothing', async () => {
      const letters = lettersOf(2);
      await put(bench, service, letters);
      const ran = await run('retry --dry-run --json');
      expect(ran.json.map(({ id, outcome, dryRun }) => [id, outcome, dryRun])).toEqual(
        letters.map(({ id }) => [id, 'retried', true]),
      );
      expect([ran.code, ran.audit]).toEqual([0, []]);
      expect(ran.err.at(-1)).toBe('dry run, nothing was changed: 2 retried');
      await settled({ events: 0, dead: 2 });
    });

    it('takes only what matches, and gives the rest back in order', async () => {
      const [old, fresh] = [lettersOf(1, { daysOld: 3 }), lettersOf(2)];
      await put(bench, service, [...old, ...fresh, ...old]);
      await run('retry --since 1d --limit 1');
      await settled({ events: 1, dead: 3 });
      const ids = (await run('list --json')).json.map(({ id }) => id);
      expect(ids).toEqual([old[0]?.id, fresh[1]?.id, old[0]?.id]);
    });

    it('keeps to the rate', async () => {
      await put(bench, service, lettersOf(10));
      const began = Date.now();
      await run('retry --rate 20');
      expect(Date.now() - began).toBeGreaterThanOrEqual(9 * 50);
      await settled({ events: 10, dead: 0 });
    });

    it('stops when told to, and gives back what it has not done', async () => {
      await put(bench, service, lettersOf(10));
      const stop = new AbortController();
      const running = run('retry --rate 0.1 --limit 10', {}, { signal: stop.signal });
      await eventually(async () => expect((await waiting(bench, service)).events).toBe(1));
      stop.abort();
      expect((await running).code).toBe(1);
      await settled({ events: 1, dead: 9 });
    });

    it('refuses a rate at which the broker would take it for dead', async () => {
      const ran = await run('retry --limit 1000 --rate 0.1');
      expect([ran.code, ran.err[0]]).toEqual([2, expect.stringContaining('at most 20 minutes')]);
    });

    it('leaves what is older than the inbox, unless forced to', async () => {
      const [byId, byTime, fresh] = [{ id: idOf(15) }, { id: 'no-uuid', daysOld: 15 }, { id: idOf() }];
      await put(bench, service, [byId, byTime, fresh]);
      const ran = await run('retry --json');
      expect([ran.code, ran.json.map(({ outcome }) => outcome)]).toEqual([
        1,
        ['too-old', 'too-old', 'retried'],
      ]);
      expect(ran.audit).toHaveLength(1);
      await settled({ events: 1, dead: 2 });
      expect(await run('retry --force')).toMatchObject({ code: 0 });
      await settled({ events: 3, dead: 0 });
    });

    it('is cut between sending and taking away: in both queues, lost in none', async () => {
      const letters = lettersOf(2);
      await put(bench, service, letters);
      const { url, proxy } = await proxied(bench.url);
      try {
        // With the first letter's audit line, and so before the second one is sent.
        const running = run('retry', { AMQP_URL: url }, { heard: () => proxy.holdAnswers() });
        await eventually(async () => expect((await waiting(bench, service)).events).toBe(2), {
          within: 20_000,
        });
        proxy.cut();
        const { code, audit, err } = await running;
        expect([code, audit]).toEqual([1, [expect.objectContaining({ id: letters[0]?.id })]]);
        expect(err.join('\n')).toContain('the letter could not be sent and stays where it is');
        await settled({ events: 2, dead: 1 });
      } finally {
        await proxy.close();
      }
    });
  });

  describe('retry with the database', () => {
    let database: ServiceDatabase;
    beforeAll(async () => {
      database = await serviceDatabase();
    });
    afterAll(() => database.close());

    const handle = (id: string, consumer = service) =>
      database.pool.query('INSERT INTO messaging.inbox (consumer, event_id) VALUES ($1, $2)', [consumer, id]);

    it('discards what the inbox holds, and says which', async () => {
      const [handled, open, foreign] = lettersOf(3);
      if (!handled || !open || !foreign) throw new Error('three letters');
      await put(bench, service, [handled, open, foreign]);
      await handle(handled.id);
      await handle(foreign.id, 'another-service');
      const ran = await run('retry --json', { DATABASE_URL: database.url });
      expect(ran.json.map(({ id, outcome }) => [id, outcome])).toEqual([
        [handled.id, 'already-handled'],
        [open.id, 'retried'],
        [foreign.id, 'retried'],
      ]);
      expect(ran.audit.map(({ outcome }) => outcome)).toEqual(['already-handled', 'retried', 'retried']);
      await settled({ events: 2, dead: 0 });
    });

    it('retries what came by a replay, whatever the inbox holds', async () => {
      const letter = { id: idOf(20), daysOld: 20, replayId: 'r' };
      await put(bench, service, [letter]);
      await handle(letter.id);
      const ran = await run('retry --json', { DATABASE_URL: database.url });
      expect([ran.code, ran.json.map(({ outcome }) => outcome)]).toEqual([0, ['retried']]);
    });

    it('touches nothing when the database can not be asked', async () => {
      await put(bench, service, lettersOf(1));
      const url = new URL(database.url);
      url.port = '1';
      url.password = 'not-to-be-seen';
      const ran = await run('retry', { DATABASE_URL: url.href });
      expect([ran.code, ran.audit]).toEqual([1, []]);
      expect(ran.err.join('\n')).toContain('the database can not be reached');
      expect([...ran.err, ...ran.out].join('\n')).not.toContain('not-to-be-seen');
      await settled({ events: 0, dead: 1 });
    });
  });

  describe('discard', () => {
    it('needs a filter or --all', async () => {
      await put(bench, service, lettersOf(1));
      expect((await run('discard')).code).toBe(2);
      await settled({ events: 0, dead: 1 });
    });

    it('takes away what matches, and nothing in a dry run', async () => {
      const [one, two] = [lettersOf(1, { reason: 'schema' }), lettersOf(2)];
      await put(bench, service, [...one, ...two]);
      expect((await run('discard --reason schema --dry-run --json')).json).toMatchObject([
        { id: one[0]?.id },
      ]);
      await settled({ events: 0, dead: 3 });
      const ran = await run('discard --reason schema');
      expect(ran.audit).toMatchObject([
        { command: 'dead-letters discard', id: one[0]?.id, outcome: 'discarded' },
      ]);
      await settled({ events: 0, dead: 2 });
      await run('discard --all');
      await settled({ events: 0, dead: 0 });
    });
  });

  describe('queues', () => {
    it('shows what waits where, and what is missing', async () => {
      await put(bench, service, lettersOf(2));
      const ran = await warren(`queues --service ${service} --json`, { AMQP_URL: bench.url });
      expect(ran.json[0]).toEqual({
        name: `warren.${service}.events`,
        exists: true,
        messages: 0,
        consumers: 0,
      });
      expect(ran.json[1]).toEqual({ name: retryQueue(service, 1_000), exists: false });
      expect(ran.json.at(-1)).toMatchObject({ name: `warren.${service}.dead`, messages: 2 });
      const text = (await warren(`queues --service ${service}`, { AMQP_URL: bench.url })).out.join('\n');
      expect(text).toMatch(/retry\.1s +missing +-/);
    });
  });

  it('says what is wrong at the broker, without the password', async () => {
    const ran = await warren('dead-letters list --service nobody', { AMQP_URL: bench.url });
    expect(ran).toMatchObject({ code: 1, err: ['warren: there is no queue warren.nobody.dead'] });
    const url = new URL(bench.url);
    url.password = 'not-to-be-seen';
    const refused = await run('list', { AMQP_URL: url.href });
    expect(refused.code).toBe(1);
    expect(refused.err).toEqual([expect.stringContaining('the broker can not be reached')]);
    expect(refused.err.join('\n')).not.toContain('not-to-be-seen');
  });
});
