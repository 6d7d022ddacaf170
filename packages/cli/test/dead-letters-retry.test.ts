import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createRabbitMqEventBus } from '@warren/event-bus';
import { eventually } from '@warren/testing';
import { describeOnBrokers, proxied, silent } from '../../event-bus/test/support/rabbitmq.js';
import { record } from '../../event-bus/test/support/recorder.js';
import { idOf, type ServiceDatabase, serviceDatabase } from './support/database.js';
import { deadLetters } from './support/dead-letters.js';

describeOnBrokers('warren dead-letters retry', (openBench) => {
  const fixture = deadLetters(openBench);
  const { run, settled, lettersOf } = fixture;

  describe('without a database', () => {
    it('delivers each letter to the service once, as attempt 1, and writes an audit line for each', async () => {
      const letters = lettersOf(3);
      await fixture.put(letters);
      const bus = createRabbitMqEventBus({
        url: fixture.url,
        service: fixture.service,
        retryDelays: [40],
        log: silent,
      });
      try {
        const seen = await record(bus, { service: fixture.service, types: ['user.updated'] });
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
            service: fixture.service,
            id,
            type: 'user.updated',
            outcome: 'retried',
          })),
        );
        expect(ran.err).toContain(
          'DATABASE_URL is not set: the service itself discards the events that its inbox holds',
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

    it('reports what it would do in a dry run and changes nothing', async () => {
      const letters = lettersOf(2);
      await fixture.put(letters);
      const ran = await run('retry --dry-run --json');
      expect(ran.json.map(({ id, outcome, dryRun }) => [id, outcome, dryRun])).toEqual(
        letters.map(({ id }) => [id, 'retried', true]),
      );
      expect([ran.code, ran.audit]).toEqual([0, []]);
      expect(ran.err.at(-1)).toBe('dry run, nothing was changed: 2 retried');
      await settled({ events: 0, dead: 2 });
    });

    it('retries only the letters that match and returns the others in order', async () => {
      const [old, fresh] = [lettersOf(1, { daysOld: 3 }), lettersOf(2)];
      await fixture.put([...old, ...fresh, ...old]);
      await run('retry --since 1d --limit 1');
      await settled({ events: 1, dead: 3 });
      const ids = (await run('list --json')).json.map(({ id }) => id);
      expect(ids).toEqual([old[0]?.id, fresh[1]?.id, old[0]?.id]);
    });

    it('retries no more letters a second than --rate allows', async () => {
      await fixture.put(lettersOf(10));
      const began = Date.now();
      await run('retry --rate 20');
      expect(Date.now() - began).toBeGreaterThanOrEqual(9 * 50);
      await settled({ events: 10, dead: 0 });
    });

    it('returns the remaining letters when it is interrupted', async () => {
      await fixture.put(lettersOf(10));
      const stop = new AbortController();
      const running = run('retry --rate 0.1 --limit 10', {}, { signal: stop.signal });
      await eventually(async () => expect((await fixture.counts()).events).toBe(1));
      stop.abort();
      expect((await running).code).toBe(1);
      await settled({ events: 1, dead: 9 });
    });

    it('refuses a rate so low that the broker would close its channel', async () => {
      const ran = await run('retry --limit 1000 --rate 0.1');
      expect([ran.code, ran.err[0]]).toEqual([2, expect.stringContaining('longer than 20 minutes')]);
    });

    it('keeps letters that are older than the inbox remembers, and retries them with --force', async () => {
      const [byId, byTime, fresh] = [{ id: idOf(15) }, { id: 'no-uuid', daysOld: 15 }, { id: idOf() }];
      await fixture.put([byId, byTime, fresh]);
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

    it('leaves a letter in both queues if the connection breaks between publishing and acknowledging it', async () => {
      const letters = lettersOf(2);
      await fixture.put(letters);
      const { url, proxy } = await proxied(fixture.url);
      try {
        // The first letter's audit line is written before the second letter is published.
        const running = run('retry', { AMQP_URL: url }, { onAudit: () => proxy.holdAnswers() });
        await eventually(async () => expect((await fixture.counts()).events).toBe(2), {
          within: 20_000,
        });
        proxy.cut();
        const { code, audit, err } = await running;
        expect([code, audit]).toEqual([1, [expect.objectContaining({ id: letters[0]?.id })]]);
        expect(err.join('\n')).toContain('the letter could not be sent and stays a dead letter');
        await settled({ events: 2, dead: 1 });
      } finally {
        await proxy.close();
      }
    });
  });

  describe('with the service’s database', () => {
    let database: ServiceDatabase;
    beforeAll(async () => {
      database = await serviceDatabase();
    });
    afterAll(() => database.close());

    const handle = (id: string, consumer = fixture.service) =>
      database.pool.query('INSERT INTO messaging.inbox (consumer, event_id) VALUES ($1, $2)', [consumer, id]);

    it('discards the events that the inbox holds and reports them', async () => {
      const [handled, open, foreign] = lettersOf(3);
      if (!handled || !open || !foreign) throw new Error('three letters');
      await fixture.put([handled, open, foreign]);
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

    it('retries an event of a replay even if the inbox holds it', async () => {
      const letter = { id: idOf(20), daysOld: 20, replayId: 'r' };
      await fixture.put([letter]);
      await handle(letter.id);
      const ran = await run('retry --json', { DATABASE_URL: database.url });
      expect([ran.code, ran.json.map(({ outcome }) => outcome)]).toEqual([0, ['retried']]);
    });

    it('changes nothing if the database cannot be reached', async () => {
      await fixture.put(lettersOf(1));
      const url = new URL(database.url);
      url.port = '1';
      url.password = 'not-to-be-seen';
      const ran = await run('retry', { DATABASE_URL: url.href });
      expect([ran.code, ran.audit]).toEqual([1, []]);
      expect(ran.err.join('\n')).toContain('the database cannot be reached');
      expect([...ran.err, ...ran.out].join('\n')).not.toContain('not-to-be-seen');
      await settled({ events: 0, dead: 1 });
    });
  });
});
