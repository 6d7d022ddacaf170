import { randomBytes } from 'node:crypto';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { createMemoryEventBus } from '@warren/event-bus';
import { eventually, type TestDatabase, testDatabase } from '@warren/testing';
import { exportJWK, generateKeyPair } from 'jose';
import { pino } from 'pino';
import { createService, type RunningService } from '../src/index.js';
import { tinyService } from './tiny-service.js';

const jwks = createServer((_request, response) => {
  if (away) response.writeHead(503).end();
  else response.writeHead(200, { 'content-type': 'application/json' }).end(keys);
});
let away = true;
let keys: string;
let database: TestDatabase;
let service: RunningService;

beforeAll(async () => {
  const { publicKey } = await generateKeyPair('ES256', { extractable: true });
  keys = JSON.stringify({ keys: [{ ...(await exportJWK(publicKey)), alg: 'ES256' }] });
  await new Promise<void>((resolve) => jwks.listen(0, '127.0.0.1', resolve));
  database = await testDatabase();
  const env = {
    DATABASE_URL: database.url,
    JWKS_URL: `http://127.0.0.1:${(jwks.address() as AddressInfo).port}/jwks.json`,
    REVOCATIONS_URL: 'off',
    PORT: '0',
    INTERNAL_PORT: '0',
    HOST: '127.0.0.1',
    DRAIN_SECONDS: '0',
  };
  const log = pino({ level: 'silent' });
  service = await createService(tinyService(), env, { bus: createMemoryEventBus(), log });
});
afterAll(async () => {
  await service?.stop();
  await database?.close();
  jwks.close();
});

/** The status of the response to a Socket.IO upgrade. */
function upgrade(): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const headers = {
      connection: 'Upgrade',
      upgrade: 'websocket',
      'sec-websocket-version': '13',
      'sec-websocket-key': randomBytes(16).toString('base64'),
    };
    const asked = request(`${service.url}/socket.io/?EIO=4&transport=websocket`, { headers });
    asked.on('upgrade', ({ statusCode }, socket) => {
      socket.destroy();
      resolve(statusCode);
    });
    asked.on('response', ({ statusCode }) => resolve(statusCode));
    asked.on('error', reject);
    asked.end();
  });
}

it('a service that starts before the token issuer refuses sockets with 503 until it has fetched the keys', async () => {
  expect(await upgrade()).toBe(503);
  away = false;
  await eventually(async () => expect(await upgrade()).toBe(101));
  away = true;
  expect(await upgrade()).toBe(101);
});
