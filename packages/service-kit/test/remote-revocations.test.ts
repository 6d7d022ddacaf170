import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { SessionRevoked } from '@warren/contracts';
import { v7 as uuidv7 } from 'uuid';
import { type RevocationSource, remoteRevocations } from '../src/revocations/source.js';

const signal = new AbortController().signal;

function revocation(revokedAt = new Date()): SessionRevoked {
  return {
    sessionId: uuidv7(),
    userId: uuidv7(),
    reason: 'revoked',
    revokedAt: revokedAt.toISOString(),
    tokensEndAt: new Date(Date.now() + 60_000).toISOString(),
  };
}

/** The list of a user service: answers the parameters of a request with a status or a body. */
type Answer = (asked: Record<string, string>) => number | Record<string, unknown>;

let server: Server;
let source: RevocationSource;
let answer: Answer;
const asked: Record<string, string>[] = [];
beforeEach(async () => {
  asked.length = 0;
  server = createServer((request, response) => {
    const parameters = Object.fromEntries(new URL(request.url ?? '', 'http://x').searchParams);
    asked.push(parameters);
    const given = answer(parameters);
    response.writeHead(typeof given === 'number' ? given : 200, { 'content-type': 'application/json' });
    response.end(typeof given === 'number' ? '{}' : JSON.stringify(given));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  source = remoteRevocations(
    `http://127.0.0.1:${(server.address() as AddressInfo).port}/internal/revocations`,
  );
});
afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

describe('the list of a user service that has pages', () => {
  it('is read page by page', async () => {
    const [one, two] = [revocation(), revocation()];
    answer = ({ after }) =>
      after
        ? { revocations: [two], next: 'c2', more: false }
        : { revocations: [one], next: 'c1', more: true };
    expect(await source(undefined, signal)).toEqual({ revocations: [one], next: 'c1', more: true });
    expect(await source('c1', signal)).toEqual({ revocations: [two], next: 'c2', more: false });
    expect(asked).toEqual([{ limit: '1000' }, { limit: '1000', after: 'c1' }]);
  });

  it('is read from the beginning if it refuses the cursor', async () => {
    answer = ({ after }) => (after ? 400 : { revocations: [], next: 'c1', more: false });
    expect(await source('of some other layout', signal)).toMatchObject({ next: 'c1' });
  });

  it('is not taken for a list without pages if it is briefly unreachable', async () => {
    answer = () => 503;
    await expect(source(undefined, signal)).rejects.toThrow('answers 503');
    expect(asked).toEqual([{ limit: '1000' }]);
  });
});

/** Answers like the previous release, which refuses unknown parameters. */
const dated =
  (list: () => SessionRevoked[]): Answer =>
  (parameters) =>
    Object.keys(parameters).some((name) => name !== 'since')
      ? 400
      : { revocations: list().filter(({ revokedAt }) => revokedAt >= (parameters.since ?? '')) };

describe('the list of a user service of the previous release', () => {
  it('is read completely at first, and then from a minute before the newest date', async () => {
    const [newest, old] = [new Date(), new Date(Date.now() - 600_000)];
    const all = [revocation(old), revocation(newest)];
    answer = dated(() => all);
    const first = await source(undefined, signal);
    expect(first).toMatchObject({ revocations: all, more: false });
    asked.length = 0;
    const second = await source(first.next, signal);
    expect(second.revocations).toEqual(all.slice(1));
    expect(asked).toEqual([{ since: new Date(newest.getTime() - 60_000).toISOString() }]);
  });

  it('is read completely at intervals, and by pages once it has them', async () => {
    const one = revocation();
    answer = dated(() => [one]);
    let next: string | undefined;
    for (let look = 0; look < 70; look += 1) ({ next } = await source(next, signal));
    const wholes = asked.filter((parameters) => Object.keys(parameters).length === 0).length;
    expect([wholes, asked.length]).toEqual([3, 73]);
    answer = ({ limit }) =>
      limit ? { revocations: [one], next: 'c1', more: false } : { revocations: [one] };
    for (let look = 0; look < 30 && next !== 'c1'; look += 1) ({ next } = await source(next, signal));
    expect(next).toBe('c1');
  });

  it('is recognized even if it ignores parameters that it does not know', async () => {
    const one = revocation();
    answer = () => ({ revocations: [one] });
    const { revocations, next, more } = await source(undefined, signal);
    expect([revocations, more]).toEqual([[one], false]);
    asked.length = 0;
    await source(next, signal);
    expect(Object.keys(asked[0] ?? {})).toEqual(['since']);
  });
});
