import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import { type AttemptResult, retryUntilAnswered, send } from '../src/crowd/attempts.js';
import { type Attempt, Ledger } from '../src/ledger.js';

const retry: AttemptResult<string> = { kind: 'retry', reason: '503 service-unavailable' };

describe('retryUntilAnswered', () => {
  const ledger = new Ledger();

  it('repeats an attempt until there is a final answer, and records each attempt', async () => {
    const answers: AttemptResult<string>[] = [retry, retry, { kind: 'accepted', value: 'paid' }];
    const attempts: Attempt[] = [];
    const over = new AbortController().signal;
    const outcome = await retryUntilAnswered(
      { ledger, over },
      attempts,
      async () => answers.shift() ?? retry,
    );
    expect(outcome).toEqual({ kind: 'accepted', value: 'paid' });
    expect(attempts.map(({ answer }) => answer)).toEqual([retry.reason, retry.reason, 'ok']);
  });

  it('accepts a permanent refusal as the final answer', async () => {
    const attempts: Attempt[] = [];
    const over = new AbortController().signal;
    const refused: AttemptResult<string> = { kind: 'refused', reason: '422 self-payment' };
    expect(await retryUntilAnswered({ ledger, over }, attempts, async () => refused)).toEqual(refused);
    expect(attempts).toHaveLength(1);
  });

  it('stops without an answer when the run is over', async () => {
    const over = new AbortController();
    const waiting = retryUntilAnswered({ ledger, over: over.signal }, [], async () => retry);
    over.abort();
    expect(await waiting).toEqual(retry);
  });
});

describe('an HTTP request', () => {
  const open: { close(): void }[] = [];
  afterEach(() => {
    for (const server of open.splice(0)) server.close();
  });

  async function answering(status: number, body: string): Promise<AttemptResult<unknown>> {
    const server = createServer((_request, response) => response.writeHead(status).end(body));
    open.push(server);
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
    const { port } = server.address() as AddressInfo;
    return send({ method: 'POST', url: `http://127.0.0.1:${port}/`, body: {} });
  }

  it.each([
    [201, '{"id":"1"}', { kind: 'accepted', value: { id: '1' } }],
    [
      404,
      '{"code":"unknown-recipient","temporary":true}',
      { kind: 'retry', reason: '404 unknown-recipient' },
    ],
    [500, '{"code":"internal","temporary":true}', { kind: 'retry', reason: '500 internal' }],
    [422, '{"code":"self-payment","temporary":false}', { kind: 'refused', reason: '422 self-payment' }],
    [502, 'bad gateway', { kind: 'retry', reason: '502 bad gateway' }],
  ])('turns the answer %i %s into an attempt result', async (status, body, outcome) => {
    expect(await answering(status, body)).toEqual(outcome);
  });

  it('is to be retried if the connection is lost', async () => {
    const server = createServer((request) => request.socket.destroy());
    open.push(server);
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
    const { port } = server.address() as AddressInfo;
    const outcome = await send({ method: 'POST', url: `http://127.0.0.1:${port}/`, body: {} });
    expect(outcome.kind).toBe('retry');
  });
});
