import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { AppError, type SessionRevoked } from '@warren/contracts';
import { createMemoryNodes, type MemoryNodes, type NodeBus } from '@warren/node-bus';
import { eventually } from '@warren/testing';
import { pino } from 'pino';
import { v7 as uuidv7 } from 'uuid';
import { Revocations, unrevoked } from '../src/revocations/revocations.js';
import { type RevocationPage, type RevocationSource, revocationsUrl } from '../src/revocations/source.js';
import { RevocationWatch } from '../src/revocations/watch.js';

const log = pino({ level: 'silent' });

function revocation(endsInMs = 60_000): SessionRevoked {
  return {
    sessionId: uuidv7(),
    userId: uuidv7(),
    reason: 'revoked',
    revokedAt: new Date().toISOString(),
    tokensEndAt: new Date(Date.now() + endsInMs).toISOString(),
  };
}

const page = (revocations: SessionRevoked[], next = 'read', more = false): RevocationPage => ({
  revocations,
  next,
  more,
});

describe('revocations', () => {
  it('are passed to listeners once, and removed when all tokens of the session have expired', () => {
    const revocations = new Revocations();
    const told: string[][] = [];
    revocations.onAdded((ids) => told.push([...ids]));
    const [one, two, over] = [revocation(), revocation(), revocation(-1)];
    revocations.add([one, over]);
    revocations.add([one, two]);
    expect(told).toEqual([[one.sessionId], [two.sessionId]]);
    expect([one, two, over].map(({ sessionId }) => revocations.has(sessionId))).toEqual([true, true, false]);
    const soon = revocation(5);
    revocations.add([soon]);
    return eventually(() => {
      revocations.prune();
      expect(revocations.size).toBe(2);
    });
  });

  it('make the tokens of their session invalid', async () => {
    const revocations = new Revocations();
    const one = revocation();
    const principal = {
      userId: one.userId,
      sessionId: one.sessionId,
      roles: [],
      expiresAt: Date.now() + 60_000,
    };
    const verify = unrevoked(
      async () => principal,
      (sessionId) => revocations.has(sessionId),
    );
    expect(await verify('token')).toBe(principal);
    revocations.add([one]);
    await expect(verify('token')).rejects.toMatchObject(new AppError('session-revoked'));
  });

  it('are read from the internal port of the user service', () => {
    expect(revocationsUrl('http://user:4001')).toBe('http://user:5001/internal/revocations');
    expect(revocationsUrl('http://user:4001/')).toBe('http://user:5001/internal/revocations');
  });
});

describe('the revocation watch', () => {
  let process: MemoryNodes;
  let nodes: NodeBus;
  let watch: RevocationWatch;
  let revocations: Revocations;
  beforeEach(() => {
    process = createMemoryNodes();
    nodes = process.join({ service: 'payment', events: ['user.session-revoked'] });
    revocations = new Revocations();
  });
  afterEach(async () => {
    await watch.stop();
    await nodes.close();
  });

  const watching = (source: RevocationSource) => {
    watch = new RevocationWatch({ revocations, nodes, source, log });
    return watch.start();
  };
  const publish = async (data: unknown) =>
    process.publish({ type: 'user.session-revoked', body: JSON.stringify({ data }) });

  it('has read the list when its start resolves, and then receives events', async () => {
    const [listed, heard] = [revocation(), revocation()];
    await watching(async () => page([listed]));
    expect(revocations.has(listed.sessionId)).toBe(true);
    await publish(heard);
    expect(revocations.has(heard.sessionId)).toBe(true);
  });

  it('misses no session that is revoked while it reads the list', async () => {
    const meanwhile = revocation();
    await watching(async () => {
      await publish(meanwhile); // Too late for this list, so it has to be heard.
      return page([]);
    });
    expect(revocations.has(meanwhile.sessionId)).toBe(true);
  });

  it('warns once in each outage of the list, at the start only if the outage lasts, and without a stack', async () => {
    const lines: { level: string; reason: string }[] = [];
    const writes = { write: (line: string) => lines.push(JSON.parse(line)) };
    const telling = pino({ level: 'warn', formatters: { level: (level) => ({ level }) } }, writes);
    const answers = ['away', 'away', 'away', 'away', 'there', 'away', 'away', 'there', 'away'];
    let looks = 0;
    const source = async () => {
      const answer = answers[looks];
      looks += 1;
      if (answer !== 'there' && answer !== undefined)
        throw new TypeError('fetch failed', { cause: new Error('connect ECONNREFUSED') });
      return page([]);
    };
    const parts = { revocations, nodes, source, log: telling, readEveryMs: 1 };
    watch = new RevocationWatch(parts);
    await watch.start();
    await eventually(() => expect(looks).toBeGreaterThan(answers.length));
    await watch.stop();
    const line = expect.objectContaining({ level: 'warn', reason: 'fetch failed: connect ECONNREFUSED' });
    expect(lines).toEqual([line, line]);
    expect(JSON.stringify(lines)).not.toContain('.ts:');

    lines.length = 0;
    looks = 0;
    answers.splice(0, answers.length, ...Array.from({ length: 8 }, () => 'away'));
    watch = new RevocationWatch(parts);
    await watch.start();
    await eventually(() => expect(looks).toBeGreaterThan(answers.length));
    await watch.stop();
    expect(lines).toEqual([line]);
  });

  it('reads all pages at first, and then only what was added since', async () => {
    const asked: (string | undefined)[] = [];
    const [one, two, later] = [revocation(), revocation(), revocation()];
    let revokedLater = false;
    const source = async (after: string | undefined) => {
      asked.push(after);
      if (after === undefined) return page([one], 'first', true);
      if (after === 'first') return page([two], 'all');
      return after === 'all' && revokedLater ? page([later], 'since') : page([], after);
    };
    watch = new RevocationWatch({ revocations, nodes, source, log, readEveryMs: 1 });
    await watch.start();
    expect([one, two].map(({ sessionId }) => revocations.has(sessionId))).toEqual([true, true]);
    await eventually(() => expect(asked.length).toBeGreaterThan(100));
    revokedLater = true;
    await eventually(() => expect(revocations.has(later.sessionId)).toBe(true));
    expect(asked.filter((after) => after === undefined || after === 'first')).toHaveLength(2);
  });

  it('continues with the page that failed', async () => {
    const asked: (string | undefined)[] = [];
    const [one, two] = [revocation(), revocation()];
    const source = async (after: string | undefined) => {
      asked.push(after);
      if (after === undefined) return page([one], 'first', true);
      if (asked.length === 2) throw new Error('the user service is away');
      return page(after === 'first' ? [two] : [], 'all');
    };
    watch = new RevocationWatch({ revocations, nodes, source, log, readEveryMs: 1 });
    await watch.start();
    await eventually(() => expect(revocations.has(two.sessionId)).toBe(true));
    expect(asked.slice(0, 3)).toEqual([undefined, 'first', 'first']);
  });

  it('stops a read of a list that never ends', async () => {
    let pages = 0;
    const source = async () => {
      pages += 1;
      return page([], 'the same', true);
    };
    watch = new RevocationWatch({ revocations, nodes, source, log, readEveryMs: 60_000 });
    await watch.start();
    await watch.stop();
    expect(pages).toBeLessThanOrEqual(3);
  });

  it('reads the list again when the node bus has reconnected', async () => {
    let reads = 0;
    let connected: () => void = () => undefined;
    const missed = revocation();
    watch = new RevocationWatch({
      revocations,
      nodes: {
        onEvent: () => undefined,
        onConnected: (listener) => {
          connected = listener;
        },
        ready: async () => undefined,
      },
      source: async () => {
        reads += 1;
        return page(reads === 1 ? [] : [missed]);
      },
      log,
    });
    await watch.start();
    expect(revocations.has(missed.sessionId)).toBe(false);
    connected();
    await eventually(() => expect(revocations.has(missed.sessionId)).toBe(true));
  });

  it('aborts a slow read when it stops', async () => {
    let given: AbortSignal | undefined;
    const slow = (_after: string | undefined, signal: AbortSignal) => {
      given = signal;
      return new Promise<RevocationPage>((_, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason));
      });
    };
    const started = watching(slow);
    await eventually(() => expect(given).toBeDefined());
    await watch.stop();
    await started;
    expect(given?.aborted).toBe(true);
    expect(watch.failed).toBe(0);
  });

  it('starts without the list, and ignores events that it cannot read', async () => {
    await watching(async () => {
      throw new Error('the user service is away');
    });
    expect(watch.failed).toBeGreaterThan(0);
    const good = revocation();
    await publish({ sessionId: 7 });
    await publish(good);
    expect(revocations.has(good.sessionId)).toBe(true);
    expect(revocations.size).toBe(1);
  });
});
