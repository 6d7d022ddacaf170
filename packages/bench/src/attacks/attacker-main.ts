import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { answering } from '../processes/answering.js';
import { service } from '../storm/contract.js';

export interface Attack {
  /** The user to join as before the attack, if any. */
  userId?: string;
  /** The WebSocket frame that is sent again and again. */
  opcode: number;
  payload: string;
  /** The number of frames per write. */
  framesAtOnce: number;
  /** The maximum number of bytes per connection. */
  bytes: number;
  /** Whether it reads the answers. */
  reads: boolean;
}

export interface AttackReport {
  connections: number;
  bytes: number;
}

answering({
  attack: ({ port, attack, seconds }: { port: number; attack: Attack; seconds: number }) =>
    attackFor(port, attack, seconds),
});
process.once('SIGTERM', () => process.exit(0));

/** Opens one connection after the other. Each sends until it is closed or has sent its bytes. */
async function attackFor(port: number, attack: Attack, seconds: number): Promise<AttackReport> {
  const report: AttackReport = { connections: 0, bytes: 0 };
  const end = Date.now() + seconds * 1_000;
  while (Date.now() < end) {
    report.connections += 1;
    report.bytes += await oneConnection(port, attack, end);
    await pause(1);
  }
  return report;
}

async function oneConnection(port: number, attack: Attack, end: number): Promise<number> {
  const socket = connect({ host: '127.0.0.1', port, noDelay: true });
  socket.on('error', () => socket.destroy());
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  const answered = () =>
    Promise.race([new Promise((resolve) => socket.once('data', resolve)), closed, pause(1_000)]);
  socket.write(
    `GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\n` +
      `Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${randomBytes(16).toString('base64')}\r\n\r\n`,
  );
  await answered();
  if (attack.userId) {
    socket.write(frame(1, `40/${service},${JSON.stringify({ token: attack.userId })}`));
    await answered();
  }
  if (attack.reads) socket.resume();
  else socket.pause();
  const one = frame(attack.opcode, attack.payload);
  const chunk = Buffer.concat(Array.from({ length: attack.framesAtOnce }, () => one));
  let sent = 0;
  while (sent < attack.bytes && socket.writable && Date.now() < end) {
    const written = new Promise<void>((resolve) => socket.write(chunk, () => resolve()));
    await Promise.race([written, closed, pause(end - Date.now())]);
    sent += chunk.length;
  }
  await Promise.race([closed, pause(Math.min(1_000, end - Date.now()))]);
  socket.destroy();
  return sent;
}

/** A final frame of at most 125 bytes, masked with zeros. */
function frame(opcode: number, payload: string): Buffer {
  const bytes = Buffer.from(payload);
  return Buffer.concat([Buffer.from([0x80 | opcode, 0x80 | bytes.length, 0, 0, 0, 0]), bytes]);
}
