import { describe, expect, it } from '@jest/globals';
import { brokerNames } from '@warren/event-bus';
import { describeOnBrokers } from '../../event-bus/test/support/rabbitmq.js';
import { warren } from './support/cli.js';
import { idOf } from './support/database.js';
import { deadLetters } from './support/dead-letters.js';

const { retryQueue } = brokerNames();

describeOnBrokers('warren dead-letters', (openBench) => {
  const fixture = deadLetters(openBench);
  const { run, settled, lettersOf } = fixture;

  describe('list and show', () => {
    it('keeps all letters in order when they are listed sixty times', async () => {
      const letters = lettersOf(5);
      await fixture.put(letters);
      for (let n = 0; n < 60; n += 1) {
        const { code, json } = await run('list --json');
        expect(code).toBe(0);
        expect(json.map(({ id }) => id)).toEqual(letters.map(({ id }) => id));
        await settled({ events: 0, dead: 5 });
      }
    }, 120_000);

    it('shows the facts of a letter as JSON and as a table', async () => {
      const id = idOf(2);
      await fixture.put([{ id, reason: 'schema', daysOld: 2, error: 'does not\nfit \u001b[31m' }]);
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

    it('reports that there are no dead letters', async () => {
      expect(await run('list')).toMatchObject({ code: 0, out: ['no dead letters'] });
      expect(await run('list --json')).toMatchObject({ code: 0, out: [] });
    });

    it('filters by type, reason, id and time, and shows no more than --limit', async () => {
      const [one, two, three] = [
        { id: idOf(), type: 'user.deleted' },
        { id: idOf(), reason: 'crash-loop' },
        { id: idOf(9), daysOld: 9 },
      ] as const;
      await fixture.put([one, two, three]);
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
      expect(bounded.err).toEqual(['showing the oldest 2 of 3; raise --limit for more']);
      await settled({ events: 0, dead: 3 });
      const short = await run('list --json --before 7d --scan 2');
      expect([short.out, short.err]).toEqual([[], ['read 2 of 3 dead letters; raise --scan to read more']]);
    });

    it('shows one letter with its body and stack', async () => {
      const [letter] = lettersOf(1);
      await fixture.put([...lettersOf(1), { id: idOf(), error: 'bad', ...letter }]);
      const shown = await run(`show ${letter?.id} --json`);
      expect(shown.json).toMatchObject([
        { id: letter?.id, stack: 'Error: bad\n    at somewhere', body: { id: letter?.id, data: {} } },
      ]);
      await settled({ events: 0, dead: 2 });
      expect((await run(`show ${letter?.id}`)).out.join('\n')).toContain('    at somewhere\n');
      await settled({ events: 0, dead: 2 });
      expect(await run('show nobody')).toMatchObject({
        code: 1,
        err: ['warren: no dead letter nobody among the 2 that were read'],
      });
    });
  });

  describe('discard', () => {
    it('needs a filter or --all', async () => {
      await fixture.put(lettersOf(1));
      expect((await run('discard')).code).toBe(2);
      await settled({ events: 0, dead: 1 });
    });

    it('deletes the letters that match, and none in a dry run', async () => {
      const [one, two] = [lettersOf(1, { reason: 'schema' }), lettersOf(2)];
      await fixture.put([...one, ...two]);
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
    it('shows the number of messages in each queue, and which queues are missing', async () => {
      await fixture.put(lettersOf(2));
      const ran = await warren(`queues --service ${fixture.service} --json`, { AMQP_URL: fixture.url });
      expect(ran.json[0]).toEqual({
        name: `warren.${fixture.service}.events`,
        exists: true,
        messages: 0,
        consumers: 0,
      });
      expect(ran.json[1]).toEqual({ name: retryQueue(fixture.service, 1_000), exists: false });
      expect(ran.json.at(-1)).toMatchObject({ name: `warren.${fixture.service}.dead`, messages: 2 });
      const text = (await warren(`queues --service ${fixture.service}`, { AMQP_URL: fixture.url })).out.join(
        '\n',
      );
      expect(text).toMatch(/retry\.1s +missing +-/);
    });

    it.each([
      ['--prefix blue queues', {}],
      ['queues --prefix blue', { AMQP_PREFIX: 'green' }],
      ['queues', { AMQP_PREFIX: 'blue' }],
    ])('shows the queues of the system with this prefix: %s', async (command, env) => {
      const ran = await warren(`${command} --service ${fixture.service} --json`, {
        AMQP_URL: fixture.url,
        ...env,
      });
      expect(ran.json[0]).toEqual({ name: `blue.${fixture.service}.events`, exists: false });
    });

    it('refuses a prefix that is not in kebab case', async () => {
      const ran = await warren('--prefix Blue queues --service user', { AMQP_URL: fixture.url });
      expect(ran).toMatchObject({ code: 2, err: [expect.stringContaining('AMQP_PREFIX: "Blue"')] });
    });
  });

  it('reports a missing queue and a refused login without the password', async () => {
    const ran = await warren('dead-letters list --service nobody', { AMQP_URL: fixture.url });
    expect(ran).toMatchObject({ code: 1, err: ['warren: there is no queue warren.nobody.dead'] });
    const url = new URL(fixture.url);
    url.password = 'not-to-be-seen';
    const refused = await run('list', { AMQP_URL: url.href });
    expect(refused.code).toBe(1);
    expect(refused.err).toEqual([expect.stringContaining('the broker can not be reached')]);
    expect(refused.err.join('\n')).not.toContain('not-to-be-seen');
  });
});
