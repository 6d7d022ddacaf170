import { AppError } from '@warren/contracts';
import type { ConnectionGuard } from '../server/connection-guard.js';
import type { Connections } from '../server/connections.js';
import { admit, type HandshakeOptions, HandshakeRefusal, limitHandshakes } from '../server/handshake.js';
import type { WireNamespace, WireSocket } from '../server/socket-server.js';
import { ConnectedSocket, type SocketContext } from './connected-socket.js';
import type { SocketSet } from './socket-set.js';

export interface AcceptOptions {
  handshake: HandshakeOptions;
  socket: SocketContext;
  socketsPerUser: number;
  isRevoked(sessionId: string): boolean;
  connections: Connections;
  sockets: SocketSet;
  /** Handles an event packet. Must not throw. */
  onPacket(socket: ConnectedSocket, eventArguments: readonly unknown[]): void;
}

/** Accepts sockets, one per connection, and starts the feed of each. */
export function acceptSockets(namespace: WireNamespace, options: AcceptOptions): void {
  namespace.use((socket, next) => {
    const guard = options.connections.guardOf(socket.conn);
    if (!guard || guard.taken) {
      next(new HandshakeRefusal(new AppError('invalid-request', { detail: 'Already connected' })));
      return;
    }
    guard.joining();
    admit(socket.handshake.auth, socket.request, options.handshake).then(
      (admission) => {
        socket.data = admission;
        next();
      },
      (refusal: HandshakeRefusal) => {
        guard.notJoined();
        next(refusal);
        guard.closeIfUnjoined();
      },
    );
  });

  namespace.on('connection', (socket) => {
    const guard = options.connections.guardOf(socket.conn);
    if (guard) accept(socket, guard, options);
  });
}

/** Refuses a namespace that does not exist, and closes the connection if it has joined none. Counts as a handshake. */
export function refuseNamespace(
  { conn, request }: WireSocket,
  next: (refusal: HandshakeRefusal) => void,
  { connections, handshake }: Pick<AcceptOptions, 'connections' | 'handshake'>,
): void {
  const unknown = new AppError('not-found', { detail: 'No such namespace on this server' });
  next(limitHandshakes(request, handshake) ?? new HandshakeRefusal(unknown));
  connections.guardOf(conn)?.closeIfUnjoined();
}

function accept(socket: WireSocket, guard: ConnectionGuard, options: AcceptOptions): void {
  const { principal, cursor } = socket.data;
  const { hub, log } = options.socket;
  if (hub.socketsOf(principal.userId) >= options.socketsPerUser) {
    const { code, temporary } = new AppError('too-many-sockets');
    options.handshake.onRefused(code);
    socket.emit('session.ended', { code, temporary });
    socket.disconnect(true);
    guard.close();
    return;
  }
  const connected = new ConnectedSocket(socket, guard, principal, options.socket);
  options.connections.joined(socket.conn, () => connected.end('rate-limited'));
  options.sockets.add(connected);
  socket.once('disconnect', () => options.sockets.delete(connected));
  // Asked only now: a revocation before the join found no socket to end.
  if (options.isRevoked(principal.sessionId)) {
    connected.end('session-revoked');
    return;
  }
  // Socket.IO's `next` is never called, so nothing that a client sends reaches an event emitter.
  socket.use((eventArguments) => options.onPacket(connected, eventArguments));
  connected.start(cursor).catch((error: unknown) => {
    log.error({ err: error, userId: principal.userId }, 'could not start a socket');
    connected.closeTransport();
  });
}
