import type { AddressInfo } from 'node:net';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { userContract } from '@warren/user-contract';
import type { FastifyInstance } from 'fastify';
import { pino } from 'pino';
import { clientAddress } from '../src/http/client-address.js';
import { Readiness } from '../src/http/health.js';
import { createInternalListener } from '../src/http/internal-listener.js';
import { RequestLimit } from '../src/http/request-limit.js';
import { createHttp } from '../src/http/server.js';
import { Metrics } from '../src/observe/metrics.js';

const log = pino({ level: 'silent' });
const metrics = new Metrics('user', 'node-1');
const addressOf = clientAddress(false);
const verify = () => Promise.reject(new Error('nobody signs in here'));

describe.each([
  [
    'the public listener',
    () =>
      createHttp({
        contract: userContract,
        corsOrigins: [],
        addressOf,
        readiness: new Readiness({}),
        metrics,
        log,
        limit: new RequestLimit(10_000),
      }),
  ],
  [
    'the internal listener',
    () =>
      createInternalListener({ metrics, readiness: new Readiness({}), log, routes: [], verify, addressOf }),
  ],
])('what is no request, at %s,', (_which, create) => {
  let http: FastifyInstance;
  beforeAll(async () => {
    http = await create();
    await http.listen({ host: '127.0.0.1', port: 0 });
  });
  afterAll(() => http.close());

  it.each([
    [
      'headers that are too large',
      `GET / HTTP/1.1\r\nHost: x\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`,
      431,
      'headers-too-large',
    ],
    ['a malformed request line', 'GET / HTPP/1.1\r\n\r\n', 400, 'invalid-request'],
    ['a TLS handshake', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', 400, 'invalid-request'],
  ])('gets a problem as the answer: %s', async (_what, bytes, status, code) => {
    const socket = connect((http.server.address() as AddressInfo).port, '127.0.0.1');
    socket.on('error', () => socket.destroy());
    socket.write(bytes, 'latin1');
    const [head = '', body = ''] = (await text(socket)).split('\r\n\r\n');
    expect(head).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    expect(head).toContain('Content-Type: application/problem+json');
    expect(JSON.parse(body)).toMatchObject({ type: `urn:warren:problem:${code}`, status, code });
  });
});
