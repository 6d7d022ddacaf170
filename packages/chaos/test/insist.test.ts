import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import { call } from '../src/crowd/http.js';
import { insist, type Try } from '../src/crowd/insist.js';
import { type Attempt, Ledger } from '../src/ledger.js';

const again: Try<string> = { kind: 'again', why: '503 service-unavailable' };

describe('somebody who insists', () => {
  const ledger = new Ledger();

  it('tries until there is an answer for good, and notes each try', async () => {
    const answers: Try<string>[] = [again, again, { kind: 'accepted', value: 'paid' }];
    const attempts: Attempt[] = [];
    const over = new AbortController().signal;
    const outcome = await insist({ ledger, over }, attempts, async () => answers.shift() ?? again);
    expect(outcome).toEqual({ kind: 'accepted', value: 'paid' });
    expect(attempts.map(({ answer }) => answer)).toEqual([again.why, again.why, 'ok']);
  });

  it('takes a refusal for good as the answer', async () => {
    const attempts: Attempt[] = [];
    const over = new AbortController().signal;
    const refused: Try<string> = { kind: 'refused', why: '422 self-payment' };
    expect(await insist({ ledger, over }, attempts, async () => refused)).toEqual(refused);
    expect(attempts).toHaveLength(1);
  });

  it('gives up without an answer when the run is over', async () => {
    const over = new AbortController();
    const waiting = insist({ ledger, over: over.signal }, [], async () => again);
    over.abort();
    expect(await waiting).toEqual(again);
  });
});

describe('an HTTP answer', () => {
  const open: { close(): void }[] = [];
  afterEach(() => {
    for (const server of open.splice(0)) server.close();
  });

  async function answering(status: number, body: string): Promise<Try<unknown>> {
    const server = createServer((_request, response) => response.writeHead(status).end(body));
    open.push(server);
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
    const { port } = server.address() as AddressInfo;
    return call({ method: 'POST', url: `http://127.0.0.1:${port}/`, body: {} });
  }

  it.each([
    [201, '{"id":"1"}', { kind: 'accepted', value: { id: '1' } }],
    [404, '{"code":"unknown-recipient","temporary":true}', { kind: 'again', why: '404 unknown-recipient' }],
    [500, '{"code":"internal","temporary":true}', { kind: 'again', why: '500 internal' }],
    [422, '{"code":"self-payment","temporary":false}', { kind: 'refused', why: '422 self-payment' }],
    [502, 'bad gateway', { kind: 'again', why: '502 bad gateway' }],
  ])('%i %s is understood', async (status, body, outcome) => {
    expect(await answering(status, body)).toEqual(outcome);
  });

  it('that is cut off may have happened', async () => {
    const server = createServer((request) => request.socket.destroy());
    open.push(server);
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
    const { port } = server.address() as AddressInfo;
    const outcome = await call({ method: 'POST', url: `http://127.0.0.1:${port}/`, body: {} });
    expect(outcome.kind).toBe('again');
  });
});
