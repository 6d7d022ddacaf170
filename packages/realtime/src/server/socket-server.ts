import type { Server as HttpServer, IncomingMessage } from 'node:http';
import type { Logger } from 'pino';
import { type DefaultEventsMap, type Namespace, Server, type Socket } from 'socket.io';
import { Encoder } from 'socket.io-parser';
import { SizingDecoder } from '../limits/packet-size.js';
import type { Admission } from './handshake.js';
import { refuseLongPolling } from './long-polling.js';
import type { UpgradeGate } from './upgrade-gate.js';
import { UpgradeQueue } from './upgrade-queue.js';
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
  /** Refuses a CONNECT to any other namespace than the service's. Must call `next` with an error. */
  refuseNamespace(socket: WireSocket, next: (error: Error) => void): void;
}

/** Milliseconds after which a connection that has joined no namespace is closed. Longer than verifying a token may take. */
const connectTimeoutMs = 15_000;

/** Adds Socket.IO, with the one namespace of this service, to the caller's HTTP server. */
export function createSocketServer(options: SocketServerOptions): {
  io: WireServer;
  namespace: WireNamespace;
} {
  const listenersBefore = options.server.listeners('upgrade');
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
    connectTimeout: connectTimeoutMs,
    cleanupEmptyChildNamespaces: true,
    allowRequest: options.gate.allowRequest,
    parser: { Encoder, Decoder: SizingDecoder },
    wsEngine: WebSockets,
  });
  if (!options.polling) refuseLongPolling(io, options.service, options.log);
  // Upgrades go through the queue instead of straight to Engine.IO.
  for (const listener of options.server.listeners('upgrade')) {
    if (!listenersBefore.includes(listener)) options.server.off('upgrade', listener as () => void);
  }
  const queue = new UpgradeQueue({
    server: options.server,
    addressOf: options.clientAddress,
    open: (request, socket, head) => io.engine.handleUpgrade(request, socket, head),
  });
  routeUpgrades(options.server, options.path, queue.add);
  // Without these, Socket.IO lets anyone join `/` and refuses other namespaces without an error code. The namespace that
  // Socket.IO creates for an unknown name is removed with the refusal (`cleanupEmptyChildNamespaces`).
  io.use(options.refuseNamespace);
  io.of((_name, _auth, allow) => allow(null, true)).use(options.refuseNamespace);
  return { io, namespace: io.of(`/${options.service}`) };
}
