import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';

type UpgradeListener = (request: IncomingMessage, socket: Duplex, head: Buffer) => void;

/** Whether this request asks for a WebSocket at the path of Socket.IO. */
export function isSocketUpgrade({ url, headers }: IncomingMessage, path: string): boolean {
  return url?.startsWith(`${path}/`) === true && headers.upgrade?.toLowerCase() === 'websocket';
}

/**
 * Calls `listener` for upgrades to a WebSocket at `path`. Other upgrades are ignored, as RFC 9110 (7.8) allows: their
 * requests are answered as HTTP/1.1, like the same requests without `Upgrade`.
 *
 * Once a server listens for upgrades, Node.js takes every request with `Upgrade` out of HTTP. So this puts the request
 * back: it emits a new `connection` with the same TCP socket, whose first bytes are the request. The HTTP server then
 * reads the body and the requests that follow as usual.
 */
export function routeUpgrades(server: Server, path: string, listener: UpgradeListener): void {
  const lastResponses = new WeakMap<Duplex, ServerResponse>();
  server.prependListener('request', (request, response) => lastResponses.set(request.socket, response));
  server.on('upgrade', (request: IncomingMessage, socket: Socket, head: Buffer) => {
    if (isSocketUpgrade(request, path)) {
      listener(request, socket, head);
      return;
    }
    const onError = (): void => void socket.destroy();
    const putBack = (): void => {
      if (socket.destroyed) return;
      socket.off('error', onError);
      socket.setTimeout(server.timeout);
      socket.unshift(Buffer.concat([headOf(request), head]));
      server.emit('connection', socket);
    };
    socket.on('error', onError);
    // Earlier requests on this connection are answered first.
    const previous = lastResponses.get(socket);
    if (!previous || previous.closed) putBack();
    else previous.once('close', putBack);
  });
}

/** The request line and the headers as they came, without those that ask for the upgrade. */
function headOf({ method, url, httpVersion, rawHeaders }: IncomingMessage): Buffer {
  const lines = [`${method} ${url} HTTP/${httpVersion}`];
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const [name = '', value = ''] = rawHeaders.slice(i, i + 2);
    const kept = withoutUpgrade(name.toLowerCase(), value);
    if (kept !== undefined) lines.push(`${name}: ${kept}`);
  }
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1');
}

const upgradeHeaders = ['upgrade', 'http2-settings'];

function withoutUpgrade(name: string, value: string): string | undefined {
  if (upgradeHeaders.includes(name)) return undefined;
  if (name !== 'connection') return value;
  const options = value.split(',').map((option) => option.trim());
  return options.filter((option) => !upgradeHeaders.includes(option.toLowerCase())).join(', ') || undefined;
}
