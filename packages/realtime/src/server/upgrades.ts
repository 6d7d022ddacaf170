import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';

type UpgradeListener = (request: IncomingMessage, socket: Duplex, head: Buffer) => void;

/** Whether this request asks for a WebSocket where Socket.IO answers. */
export function isSocketUpgrade({ url, headers }: IncomingMessage, path: string): boolean {
  return url?.startsWith(`${path}/`) === true && headers.upgrade?.toLowerCase() === 'websocket';
}

/**
 * Hands `listener` the upgrades to a WebSocket at `path`. Any other one is ignored, as RFC 9110 (7.8) lets a server
 * do: its request is answered as HTTP/1.1, like the same request without `Upgrade`.
 *
 * Node.js takes a request with `Upgrade` out of HTTP as soon as a server listens for any, so it is put back: as the
 * first bytes of a connection that starts anew on the same TCP socket. So bodies and what follows on the connection
 * are read as ever.
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
    // Requests that came before on this connection are answered first.
    const before = lastResponses.get(socket);
    if (!before || before.closed) putBack();
    else before.once('close', putBack);
  });
}

/** The request line and the headers as they came, but for what asks for the upgrade. */
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
