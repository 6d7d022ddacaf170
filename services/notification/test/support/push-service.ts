import { createDecipheriv, createECDH, createHmac, type ECDH, hkdfSync, randomBytes } from 'node:crypto';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { importJWK, jwtVerify } from 'jose';

export interface Pushed {
  path: string;
  headers: IncomingHttpHeaders;
  body: Buffer;
}

/** A push service on 127.0.0.1 that keeps the messages that it gets. */
export interface PushService {
  origin: string;
  received: Pushed[];
  at(path: string): Pushed[];
  /** The status with which it answers a message to this path. */
  status: (path: string) => number;
  /** Whether it answers at all. */
  answers: boolean;
  /** The number of open connections. */
  open(): number;
  close(): Promise<void>;
}

export async function pushService(): Promise<PushService> {
  const received: Pushed[] = [];
  const server: Server = createServer((request, answer) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const path = request.url ?? '';
      received.push({ path, headers: request.headers, body: Buffer.concat(chunks) });
      if (service.answers) answer.writeHead(service.status(path), { location: '/elsewhere' }).end();
    });
  });
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const service: PushService = {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received,
    at: (path) => received.filter((each) => each.path === path),
    status: () => 201,
    answers: true,
    open: () => sockets.size,
    close: () => new Promise((resolve) => server.close(() => resolve()).closeAllConnections()),
  };
  return service;
}

/** A browser's half of a subscription (RFC 8291). */
export class Browser {
  readonly #ecdh: ECDH = createECDH('prime256v1');
  readonly #auth = randomBytes(16);
  readonly #public = this.#ecdh.generateKeys();

  get keys() {
    return { p256dh: this.#public.toString('base64url'), auth: this.#auth.toString('base64url') };
  }

  /** Decrypts one record (RFC 8188) with the key of RFC 8291, section 3.4. Throws if it isn't for this browser. */
  decrypt(body: Buffer): unknown {
    const salt = body.subarray(0, 16);
    const sender = body.subarray(21, 21 + body.readUInt8(20));
    const record = body.subarray(21 + sender.length);
    const shared = this.#ecdh.computeSecret(sender);
    const prk = createHmac('sha256', this.#auth).update(shared).digest();
    const info = Buffer.concat([Buffer.from('WebPush: info\0'), this.#public, sender, Buffer.from([1])]);
    const secret = createHmac('sha256', prk).update(info).digest();
    const derive = (label: string, length: number) =>
      Buffer.from(hkdfSync('sha256', secret, salt, `Content-Encoding: ${label}\0`, length));
    const decipher = createDecipheriv('aes-128-gcm', derive('aes128gcm', 16), derive('nonce', 12));
    decipher.setAuthTag(record.subarray(-16));
    const plain = Buffer.concat([decipher.update(record.subarray(0, -16)), decipher.final()]);
    // The last record ends with 2 and padding.
    return JSON.parse(plain.subarray(0, plain.lastIndexOf(2)).toString('utf8'));
  }
}

/** The claims of a VAPID header (RFC 8292). Throws if its key isn't `publicKey`, or its signature doesn't fit. */
export async function vapidClaims(authorization: string | undefined, publicKey: string) {
  const [, token = '', key = ''] = /^vapid t=([^,]+), k=(\S+)$/.exec(authorization ?? '') ?? [];
  if (key !== publicKey) throw new Error('The header was signed with another key');
  const point = Buffer.from(key, 'base64url');
  const coordinate = (from: number) => point.subarray(from, from + 32).toString('base64url');
  const jwk = { kty: 'EC', crv: 'P-256', x: coordinate(1), y: coordinate(33) };
  return (await jwtVerify(token, await importJWK(jwk, 'ES256'))).payload;
}
