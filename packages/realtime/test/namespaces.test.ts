import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from '@jest/globals';
import { AppError } from '@warren/contracts';
import { pino } from 'pino';
import { HandshakeRefusal } from '../src/server/handshake.js';
import { createSocketServer } from '../src/server/socket-server.js';
import { UpgradeGate } from '../src/server/upgrade-gate.js';
import { refusal } from './support/client.js';
import { closeAfterEach, onEnd } from './support/fixtures.js';

closeAfterEach();

describe('unknown namespaces', () => {
  it('are removed after they were refused', async () => {
    const server = createServer();
    const { io } = createSocketServer({
      server,
      service: 'things',
      path: '/socket.io',
      corsOrigins: [],
      polling: false,
      payloadHardBytes: 100_000,
      pingIntervalMs: 10_000,
      pingTimeoutMs: 8_000,
      log: pino({ level: 'silent' }),
      clientAddress: () => '127.0.0.1',
      gate: new UpgradeGate({ mayOpen: () => true, onRefused: () => undefined }),
      refuseNamespace: (_socket, next) => next(new HandshakeRefusal(new AppError('not-found'))),
    });
    onEnd(() => io.close());
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    for (let i = 0; i < 20; i++) await refusal(`http://127.0.0.1:${port}/made-up-${i}`, {});
    expect([...io._nsps.keys()].sort()).toEqual(['/', '/things']);
  });
});
