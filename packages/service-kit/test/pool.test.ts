import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { pino } from 'pino';
import { createPool } from '../src/database/pool.js';

const ready = Buffer.from('5a0000000549', 'hex');
const authenticated = Buffer.from('520000000800000000', 'hex');
const fatal = 'SFATAL\0C57P01\0Mterminating connection due to administrator command\0\0';

/** The packet that a frozen client finds from a server that has shut down: the response and the end together. */
const answerAndEnd = Buffer.concat([message('C', 'SELECT 1\0'), ready, message('E', fatal)]);

function message(kind: string, body: string): Buffer {
  const header = Buffer.from(`${kind}0000`);
  header.writeInt32BE(4 + Buffer.byteLength(body), 1);
  return Buffer.concat([header, Buffer.from(body)]);
}

describe('a pooled connection that is lost between two users', () => {
  let server: Server;
  let url: string;

  beforeEach(async () => {
    server = createServer(shuttingDown).listen(0, '127.0.0.1');
    await once(server, 'listening');
    url = `postgres://nobody@127.0.0.1:${(server.address() as AddressInfo).port}/none`;
  });
  afterEach(() => new Promise((closed) => server.close(closed)));

  it('hazard: emits an error without a listener, which ends the process', async () => {
    const pool = new pg.Pool({ connectionString: url, max: 1 });
    expect(await unheardErrors(pool)).toBe(1);
  });

  it('guard: fails only the query of its next user', async () => {
    const pool = createPool({ url, max: 1, service: 'test', log: pino({ level: 'silent' }) });
    expect(await unheardErrors(pool)).toBe(0);
  });
});

/** A server that answers the first query and ends the connection in the same packet. */
function shuttingDown(socket: Socket): void {
  socket.once('data', () => {
    socket.write(Buffer.concat([authenticated, ready]));
    socket.once('data', () => socket.end(answerAndEnd));
  });
  socket.on('error', () => undefined);
}

/** Sends a query while another user waits for the connection. Counts the errors that have no listener. */
async function unheardErrors(pool: pg.Pool): Promise<number> {
  let unheard = 0;
  pool.on('connect', (client) => {
    const emit = client.emit.bind(client) as (name: string, ...args: unknown[]) => boolean;
    client.emit = ((name: string, ...args: unknown[]) => {
      if (name !== 'error' || client.listenerCount('error') > 0) return emit(name, ...args);
      unheard += 1;
      return false;
    }) as typeof client.emit;
  });
  const first = pool.query('SELECT 1');
  const next = pool.connect();
  await first;
  const client = await next;
  await expect(client.query('SELECT 1')).rejects.toThrow();
  client.release(true);
  await pool.end();
  return unheard;
}
