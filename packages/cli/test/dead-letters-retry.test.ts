import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createRabbitMqEventBus } from '@warren/event-bus';
import { eventually } from '@warren/testing';
import { describeOnBrokers, proxied, silent } from '../../event-bus/test/support/rabbitmq.js';
import { record } from '../../event-bus/test/support/recorder.js';
import { type ServiceDatabase, serviceDatabase } from './support/database.js';
import { deadLetters } from './support/dead-letters.js';
import { idOf } from './support/letters.js';

describeOnBrokers('warren dead-letters', (openBench) => {
  const desk = deadLetters(openBench);
  const { run, settled, lettersOf } = desk;

  describe('retry', () => {
    it('gives each to the service once, as attempt 1, with an audit line each', async () => {
      const letters = lettersOf(3);
      await desk.put(letters);
      const bus = createRabbitMqEventBus({
        url: desk.url,
        service: desk.service,
        retryDelays: [40],
        log: silent,
      });
      try {
        const seen = await record(bus, { service: desk.service, types: ['user.updated'] });
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
            service: desk.service,
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
      await desk.put(letters);
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
      await desk.put([...old, ...fresh, ...old]);
      await run('retry --since 1d --limit 1');
      await settled({ events: 1, dead: 3 });
      const ids = (await run('list --json')).json.map(({ id }) => id);
      expect(ids).toEqual([old[0]?.id, fresh[1]?.id, old[0]?.id]);
    });

    it('keeps to the rate', async () => {
      await desk.put(lettersOf(10));
      const began = Date.now();
      await run('retry --rate 20');
      expect(Date.now() - began).toBeGreaterThanOrEqual(9 * 50);
      await settled({ events: 10, dead: 0 });
    });

    it('stops when told to, and gives back what it has not done', async () => {
      await desk.put(lettersOf(10));
      const stop = new AbortController();
      const running = run('retry --rate 0.1 --limit 10', {}, { signal: stop.signal });
      await eventually(async () => expect((await desk.counts()).events).toBe(1));
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
      await desk.put([byId, byTime, fresh]);
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
      await desk.put(letters);
      const { url, proxy } = await proxied(desk.url);
      try {
        // With the first letter's audit line, and so before the second one is sent.
        const running = run('retry', { AMQP_URL: url }, { heard: () => proxy.holdAnswers() });
        await eventually(async () => expect((await desk.counts()).events).toBe(2), {
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

    const handle = (id: string, consumer = desk.service) =>
      database.pool.query('INSERT INTO messaging.inbox (consumer, event_id) VALUES ($1, $2)', [consumer, id]);

    it('discards what the inbox holds, and says which', async () => {
      const [handled, open, foreign] = lettersOf(3);
      if (!handled || !open || !foreign) throw new Error('three letters');
      await desk.put([handled, open, foreign]);
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
      await desk.put([letter]);
      await handle(letter.id);
      const ran = await run('retry --json', { DATABASE_URL: database.url });
      expect([ran.code, ran.json.map(({ outcome }) => outcome)]).toEqual([0, ['retried']]);
    });

    it('touches nothing when the database can not be asked', async () => {
      await desk.put(lettersOf(1));
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
});
