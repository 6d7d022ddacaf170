import type { AddressInfo } from 'node:net';
import { connect } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { userContract } from '@warren/user-contract';
import type { FastifyInstance } from 'fastify';
import { pino } from 'pino';
import { clientAddress } from '../src/http/client-address.js';
import { Readiness } from '../src/http/health.js';
import { RequestLimit } from '../src/http/request-limit.js';
import { createHttp } from '../src/http/server.js';
import { Metrics } from '../src/observe/metrics.js';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

function memory(): number {
  collectGarbage();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

let http: FastifyInstance;
beforeAll(async () => {
  http = await createHttp({
    contract: userContract,
    corsOrigins: [],
    addressOf: clientAddress(false),
    readiness: new Readiness({}),
    metrics: new Metrics('user', 'node-1'),
    log: pino({ level: 'silent' }),
    limit: new RequestLimit(1_000_000),
  });
  await http.listen({ host: '127.0.0.1', port: 0 });
});
afterAll(() => http.close());

/** Node.js stops reading requests while responses wait to be sent. The server must not change that. */
it('a client that sends requests and never reads the responses does not fill the memory', async () => {
  const socket = connect((http.server.address() as AddressInfo).port, '127.0.0.1');
  socket.on('error', () => socket.destroy());
  socket.pause();
  const before = memory();
  const answer = Buffer.byteLength(JSON.stringify(userContract));
  const request = Buffer.from('GET /contract.json HTTP/1.1\r\nHost: x\r\n\r\n');
  const requests = Buffer.concat(Array.from({ length: 1_000 }, () => request));
  const wanted = 256 * 1024 * 1024;
  let taken = 0;
  for (let asked = 0; asked < wanted; asked += 1_000 * answer) {
    const written = new Promise<boolean>((resolve) => socket.write(requests, () => resolve(true)));
    if (!(await Promise.race([written, pause(1_000, false, { ref: false })]))) break;
    taken += 1_000 * answer;
  }
  await pause(500);
  expect(memory() - before).toBeLessThan(64 * 1024 * 1024);
  expect(taken).toBeGreaterThan(0);
  socket.destroy();
});
