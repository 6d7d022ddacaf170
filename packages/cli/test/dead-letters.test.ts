import { describe, expect, it } from '@jest/globals';
import { brokerNames } from '@warren/event-bus';
import { describeOnBrokers } from '../../event-bus/test/support/rabbitmq.js';
import { warren } from './support/cli.js';
import { deadLetters } from './support/dead-letters.js';
import { idOf } from './support/letters.js';

const { retryQueue } = brokerNames();

describeOnBrokers('warren dead-letters', (openBench) => {
  const desk = deadLetters(openBench);
  const { run, settled, lettersOf } = desk;

  describe('list and show', () => {
    it('lists sixty times, and all are still there, in order', async () => {
      const letters = lettersOf(5);
      await desk.put(letters);
      for (let n = 0; n < 60; n += 1) {
        const { code, json } = await run('list --json');
        expect(code).toBe(0);
        expect(json.map(({ id }) => id)).toEqual(letters.map(({ id }) => id));
        await settled({ events: 0, dead: 5 });
      }
    }, 120_000);

    it('shows what is known, as JSON and for people', async () => {
      const id = idOf(2);
      await desk.put([{ id, reason: 'schema', daysOld: 2, error: 'does not\nfit \u001b[31m' }]);
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
      await desk.put([one, two, three]);
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
      await desk.put([...lettersOf(1), { id: idOf(), error: 'bad', ...letter }]);
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

  describe('discard', () => {
    it('needs a filter or --all', async () => {
      await desk.put(lettersOf(1));
      expect((await run('discard')).code).toBe(2);
      await settled({ events: 0, dead: 1 });
    });

    it('takes away what matches, and nothing in a dry run', async () => {
      const [one, two] = [lettersOf(1, { reason: 'schema' }), lettersOf(2)];
      await desk.put([...one, ...two]);
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
      await desk.put(lettersOf(2));
      const ran = await warren(`queues --service ${desk.service} --json`, { AMQP_URL: desk.url });
      expect(ran.json[0]).toEqual({
        name: `warren.${desk.service}.events`,
        exists: true,
        messages: 0,
        consumers: 0,
      });
      expect(ran.json[1]).toEqual({ name: retryQueue(desk.service, 1_000), exists: false });
      expect(ran.json.at(-1)).toMatchObject({ name: `warren.${desk.service}.dead`, messages: 2 });
      const text = (await warren(`queues --service ${desk.service}`, { AMQP_URL: desk.url })).out.join('\n');
      expect(text).toMatch(/retry\.1s +missing +-/);
    });

    it.each([
      ['--prefix blue queues', {}],
      ['queues --prefix blue', { AMQP_PREFIX: 'green' }],
      ['queues', { AMQP_PREFIX: 'blue' }],
    ])('looks at the queues of the system with the prefix: %s', async (command, env) => {
      const ran = await warren(`${command} --service ${desk.service} --json`, { AMQP_URL: desk.url, ...env });
      expect(ran.json[0]).toEqual({ name: `blue.${desk.service}.events`, exists: false });
    });

    it('refuses a prefix that is not in kebab case', async () => {
      const ran = await warren('--prefix Blue queues --service user', { AMQP_URL: desk.url });
      expect(ran).toMatchObject({ code: 2, err: [expect.stringContaining('AMQP_PREFIX: "Blue"')] });
    });
  });

  it('says what is wrong at the broker, without the password', async () => {
    const ran = await warren('dead-letters list --service nobody', { AMQP_URL: desk.url });
    expect(ran).toMatchObject({ code: 1, err: ['warren: there is no queue warren.nobody.dead'] });
    const url = new URL(desk.url);
    url.password = 'not-to-be-seen';
    const refused = await run('list', { AMQP_URL: url.href });
    expect(refused.code).toBe(1);
    expect(refused.err).toEqual([expect.stringContaining('the broker can not be reached')]);
    expect(refused.err.join('\n')).not.toContain('not-to-be-seen');
  });
});
