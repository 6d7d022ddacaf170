import { describe, expect, it } from '@jest/globals';
import { AppError, errorsOf } from '@warren/contracts';
import type { CommandContext, SocketCommand } from '@warren/realtime';
import { eventually, gate } from '@warren/testing';
import { closeAfterEach, connect, node } from './support/fixtures.js';
import { echo, token } from './support/node.js';

closeAfterEach();

const thingError = errorsOf({ 'thing-done': { status: 409, temporary: false, title: 'Done already' } });
const commandId = '0198d5f0-0000-7000-8000-000000000001';

function command(
  name: string,
  handle: SocketCommand['handle'],
  check = (input: unknown) => input,
): SocketCommand {
  return { name, check, handle };
}

describe('a socket command', () => {
  it('is answered with what its handler returns', async () => {
    const { url } = await node();
    const client = connect(url);
    expect(await client.command('things.echo', { a: 1 })).toEqual({
      ok: true,
      data: { input: { a: 1 }, userId: 'ann' },
    });
  });

  it('may have no input, which counts as an empty object', async () => {
    const { url } = await node();
    expect(await connect(url).command('things.echo')).toMatchObject({ ok: true, data: { input: {} } });
  });

  it('gives its handler the commandId separately from the input', async () => {
    const contexts: CommandContext[] = [];
    const spy = command('things.spy', async (input, context) => {
      contexts.push(context);
      return input;
    });
    const { url } = await node({ commands: [spy] });
    expect(await connect(url).command('things.spy', { a: 1, commandId })).toEqual({
      ok: true,
      data: { a: 1 },
    });
    expect(contexts).toMatchObject([{ commandId, principal: { userId: 'ann', sessionId: 's1' } }]);
  });

  it('runs even if the client asks for no acknowledgement', async () => {
    let runs = 0;
    const { url } = await node({ commands: [command('things.run', async () => ++runs)] });
    const client = connect(url);
    client.socket.emit('things.run', {});
    client.socket.emit('no.such.command', {});
    await eventually(() => expect(runs).toBe(1));
    expect(await client.command('things.run')).toEqual({ ok: true, data: 2 });
  });

  it('is answered with the AppError that its handler throws, including its fields', async () => {
    const errors = [{ pointer: '/id', code: 'format' }];
    const { url } = await node({
      commands: [
        command('things.state', () => Promise.reject(thingError('thing-done', { detail: 'is done' }))),
        command(
          'things.check',
          async () => null,
          () => {
            throw new AppError('invalid-request', { errors });
          },
        ),
      ],
    });
    const client = connect(url);
    expect(await client.command('things.state', {})).toEqual({
      ok: false,
      error: { code: 'thing-done', message: 'is done', temporary: false },
    });
    expect(await client.command('things.check', {})).toMatchObject({
      ok: false,
      error: { code: 'invalid-request', errors },
    });
  });

  it('is answered internal, without details, after an unknown error or a result that JSON can not represent', async () => {
    const secret = 'password=hunter2';
    const { url } = await node({
      commands: [
        command('async', () => Promise.reject(new Error(secret))),
        command('sync', () => {
          throw new Error(secret);
        }),
        command('odd', () => Promise.reject(secret)),
        command('bigint', async () => 1n),
      ],
    });
    const client = connect(url);
    for (const name of ['async', 'sync', 'odd', 'bigint']) {
      const answer = await client.command(name, {});
      expect(answer).toMatchObject({ ok: false, error: { code: 'internal', temporary: true } });
      expect(JSON.stringify(answer)).not.toContain('hunter2');
    }
  });

  it.each(['nope', 'constructor', '__proto__', 'toString', 'hasOwnProperty', 'error', ''])(
    'is answered unknown-command if its name is "%s"',
    async (name) => {
      const { url } = await node();
      const answer = await connect(url).command(name, {});
      expect(answer).toMatchObject({ ok: false, error: { code: 'unknown-command', temporary: false } });
    },
  );

  it.each([
    ['null', [null]],
    ['an array', [[1]]],
    ['a string', ['x']],
    ['a number', [1]],
    ['binary', [Buffer.from('x')]],
    ['two objects', [{}, {}]],
    ['a commandId that is not a UUID', [{ commandId: 'x' }]],
    ['a commandId that is not a string', [{ commandId: 1 }]],
  ])('is refused if its input is %s', async (_what, args) => {
    const { url } = await node();
    const answer = await connect(url).command('things.echo', ...args);
    expect(answer).toMatchObject({ ok: false, error: { code: 'invalid-request', temporary: false } });
  });

  it('can not change Object.prototype through its input', async () => {
    const { url } = await node();
    const payload = JSON.parse('{"__proto__":{"polluted":true},"constructor":1}');
    expect((await connect(url).command('things.echo', payload)).ok).toBe(true);
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  });

  it('must not have the name of another command or of the protocol', async () => {
    await expect(node({ commands: [echo, echo] })).rejects.toThrow('things.echo');
    await expect(node({ commands: [{ ...echo, name: 'feed.pull' }] })).rejects.toThrow('feed.pull');
  });
});

describe('the limits on commands', () => {
  it('limit the rate of each user over all their sockets', async () => {
    const { url } = await node({ limits: { commandsPerSecond: 2 } });
    const clients = Array.from({ length: 5 }, () => connect(url));
    const answers = await Promise.all(
      clients.flatMap((client) => [1, 2, 3, 4].map(() => client.command('things.echo'))),
    );
    const refused = answers.filter((answer) => !answer.ok);
    expect(refused.length).toBeGreaterThanOrEqual(3);
    expect(refused[0]).toMatchObject({ error: { code: 'rate-limited', temporary: true } });
    expect((await connect(url, { token: token('bob') }).command('things.echo')).ok).toBe(true);
  });

  it('answer payload-too-large above the soft limit, and close the connection above the hard one', async () => {
    const { url } = await node({ limits: { payloadSoftBytes: 1_000, payloadHardBytes: 10_000 } });
    const client = connect(url);
    expect((await client.command('things.echo', { text: 'x'.repeat(900) })).ok).toBe(true);
    const tooLarge = { ok: false, error: { code: 'payload-too-large', temporary: false } };
    expect(await client.command('things.echo', { text: 'x'.repeat(1_000) })).toMatchObject(tooLarge);
    expect(await client.command('things.echo', { text: 'é'.repeat(499) })).toMatchObject(tooLarge);
    expect(await client.command('things.echo', { text: Buffer.alloc(1_000) })).toMatchObject(tooLarge);
    expect((await client.command('things.echo', {})).ok).toBe(true);
    client.socket.emit('things.echo', { text: 'x'.repeat(20_000) });
    await client.got('session.ready', 2);
    expect(client.disconnects).toHaveLength(1);
  });

  it('limit how many commands of one socket run at the same time', async () => {
    const handler = gate();
    const { url } = await node({
      commands: [command('wait', () => handler.opened)],
      limits: { commandsPerSecond: 1_000 },
    });
    const client = connect(url);
    await client.got('session.ready');
    const waiting = Array.from({ length: 16 }, () => client.command('wait'));
    expect(await client.command('wait')).toMatchObject({ error: { code: 'rate-limited' } });
    handler.open();
    expect((await Promise.all(waiting)).every(({ ok }) => ok)).toBe(true);
    expect((await client.command('wait')).ok).toBe(true);
  });
});

describe('feed.pull', () => {
  it('reads pages after a cursor, or from the oldest entry kept', async () => {
    const { url, feeds } = await node();
    feeds.writeMany('ann', 5);
    const client = connect(url);
    const head = feeds.cursor(5);
    expect(await client.command('feed.pull', { after: feeds.cursor(2), limit: 2 })).toEqual({
      ok: true,
      data: {
        head,
        entries: [3, 4].map((seq) => ({
          type: 'thing.happened',
          data: null,
          seq,
          cursor: feeds.cursor(seq),
          id: `id-${seq}`,
          time: '2026-01-01T00:00:00.000Z',
        })),
      },
    });
    expect(await client.command('feed.pull', { after: head, limit: 10 })).toEqual({
      ok: true,
      data: { head, entries: [] },
    });
    feeds.prune('ann', 3);
    expect(await client.command('feed.pull', { limit: 1 })).toMatchObject({
      data: { entries: [{ seq: 4 }] },
    });
  });

  it.each([
    [
      'below the oldest entry kept',
      (cursor: (seq: number, epoch?: string) => string) => cursor(1),
      'cursor-too-old',
    ],
    [
      'of another epoch',
      (cursor: (seq: number, epoch?: string) => string) => cursor(4, 'z'),
      'invalid-cursor',
    ],
    ['beyond the head', (cursor: (seq: number, epoch?: string) => string) => cursor(9), 'invalid-cursor'],
    ['that is malformed', () => 'gibberish', 'invalid-cursor'],
    ['that is empty', () => '', 'invalid-cursor'],
    ['that is huge', () => 'x'.repeat(5_000), 'invalid-cursor'],
  ])('refuses a cursor %s', async (_what, make, code) => {
    const { url, feeds } = await node();
    feeds.writeMany('ann', 5);
    feeds.prune('ann', 3);
    const after = make((seq, epoch) => feeds.cursor(seq, epoch));
    expect(await connect(url).command('feed.pull', { after, limit: 2 })).toMatchObject({
      ok: false,
      error: { code, temporary: false },
    });
  });

  it('answers cursor-too-old if entries are deleted between looking up the cursor and reading', async () => {
    const { url, feeds } = await node();
    feeds.writeMany('ann', 5);
    feeds.beforeAnswer = ({ kind }) => {
      if (kind === 'resolve') feeds.prune('ann', 4);
    };
    const client = connect(url);
    const pull = { after: feeds.cursor(2), limit: 2 };
    expect(await client.command('feed.pull', pull)).toMatchObject({ error: { code: 'cursor-too-old' } });
  });

  it.each([
    [{ after: 1, limit: 1 }, '/after'],
    [{ limit: 0 }, '/limit'],
    [{ limit: 1.5 }, '/limit'],
    [{ limit: 'x' }, '/limit'],
    [{ limit: null }, '/limit'],
  ])('refuses the input %j', async (input, pointer) => {
    const { url } = await node();
    expect(await connect(url).command('feed.pull', input)).toMatchObject({
      error: { code: 'invalid-request', errors: [{ pointer }] },
    });
  });

  it('answers service-unavailable while the database is away', async () => {
    const { url, feeds } = await node();
    const client = connect(url);
    await client.got('session.ready');
    feeds.failure = new Error('connection refused');
    expect(await client.command('feed.pull', { limit: 1 })).toMatchObject({
      error: { code: 'service-unavailable', temporary: true },
    });
  });

  it('keeps a live socket live', async () => {
    const { url, feeds, commit } = await node();
    feeds.writeMany('ann', 3);
    const client = connect(url);
    await client.got('session.ready');
    await client.command('feed.pull', { limit: 10 });
    commit('ann');
    await client.gotExactly(4, 4);
  });
});
