import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** A proxy that sends `connection.blocked` and `connection.unblocked` to clients, without a real alarm on the broker. */
export interface BlockingProxy {
  url: string;
  block(): void;
  unblock(): void;
  close(): Promise<void>;
}

export async function blockingProxy(target: string): Promise<BlockingProxy> {
  const { hostname, port } = new URL(target);
  const clients = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = connect({ host: hostname, port: Number(port || 5672) });
    clients.add(client);
    client.on('close', () => clients.delete(client));
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      from.on('error', () => to.destroy());
      from.pipe(to);
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = new URL(target);
  url.hostname = '127.0.0.1';
  url.port = String((server.address() as AddressInfo).port);
  const say = (frame: Buffer) => {
    for (const client of clients) client.write(frame);
  };
  return {
    url: url.href,
    block: () => say(connectionMethod(60, shortString('low on memory'))),
    unblock: () => say(connectionMethod(61, Buffer.alloc(0))),
    async close() {
      for (const client of clients) client.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** A method frame of class `connection` (10) on channel 0. */
function connectionMethod(method: number, args: Buffer): Buffer {
  const payload = Buffer.concat([Buffer.from([0, 10, 0, method]), args]);
  const head = Buffer.alloc(7);
  head.writeUInt8(1, 0);
  head.writeUInt16BE(0, 1);
  head.writeUInt32BE(payload.length, 3);
  return Buffer.concat([head, payload, Buffer.from([0xce])]);
}

function shortString(text: string): Buffer {
  return Buffer.concat([Buffer.from([text.length]), Buffer.from(text)]);
}
