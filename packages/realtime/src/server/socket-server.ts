import type { Server as HttpServer, IncomingMessage } from 'node:http';
import type { Logger } from 'pino';
import { type DefaultEventsMap, type Namespace, Server, type Socket } from 'socket.io';
import { Encoder } from 'socket.io-parser';
import { SizingDecoder } from '../limits/packet-size.js';
import type { Admission } from './handshake.js';
import { refuseLongPolling } from './long-polling.js';
import type { UpgradeGate } from './upgrade-gate.js';
import { UpgradeLine } from './upgrade-line.js';
import { routeUpgrades } from './upgrades.js';
import { WebSockets } from './web-sockets.js';

export type WireSocket = Socket<DefaultEventsMap, DefaultEventsMap, DefaultEventsMap, Admission>;
type WireServer = Server<DefaultEventsMap, DefaultEventsMap, DefaultEventsMap, Admission>;
export type WireNamespace = Namespace<DefaultEventsMap, DefaultEventsMap, DefaultEventsMap, Admission>;

export interface SocketServerOptions {
  server: HttpServer;
  service: string;
  path: string;
  corsOrigins: readonly string[];
  polling: boolean;
  payloadHardBytes: number;
  pingIntervalMs: number;
  pingTimeoutMs: number;
  gate: UpgradeGate;
  clientAddress(request: IncomingMessage): string;
  log: Logger;
  /** Answers a CONNECT to any namespace but the service's: must call `next` with an error. */
  refuseNamespace(socket: WireSocket, next: (error: Error) => void): void;
}

/** A connection that joins no namespace in this time is closed. Milliseconds; above the time to verify a token. */
const connectTimeout = 15_000;

/** Socket.IO on the caller's HTTP server, with the one namespace of this service. */
export function createSocketServer(options: SocketServerOptions): {
  io: WireServer;
  namespace: WireNamespace;
} {
  const others = options.server.listeners('upgrade');
  const io: WireServer = new Server(options.server, {
    path: options.path,
    transports: options.polling ? ['polling', 'websocket'] : ['websocket'],
    cors: { origin: options.corsOrigins.includes('*') ? '*' : [...options.corsOrigins] },
    serveClient: false,
    perMessageDeflate: false,
    httpCompression: false,
    maxHttpBufferSize: options.payloadHardBytes,
    pingInterval: options.pingIntervalMs,
    pingTimeout: options.pingTimeoutMs,
    connectTimeout,
    cleanupEmptyChildNamespaces: true,
    allowRequest: options.gate.allowRequest,
    parser: { Encoder, Decoder: SizingDecoder },
    wsEngine: WebSockets,
  });
  if (!options.polling) refuseLongPolling(io, options.service, options.log);
  const own = options.server.listeners('upgrade').filter((listener) => !others.includes(listener));
  for (const listener of own) options.server.off('upgrade', listener as () => void);
  const line = new UpgradeLine({
    server: options.server,
    addressOf: options.clientAddress,
    open: (request, socket, head) => io.engine.handleUpgrade(request, socket, head),
  });
  routeUpgrades(options.server, options.path, line.take);
  // Without these, Socket.IO lets anyone into `/` and refuses other names without a code. Children made for a
  // refused name go away with the refusal.
  io.use(options.refuseNamespace);
  io.of((_name, _auth, allow) => allow(null, true)).use(options.refuseNamespace);
  return { io, namespace: io.of(`/${options.service}`) };
}
