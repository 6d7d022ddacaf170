import { AppError } from '@warren/contracts';
import type { CommandDispatcher } from '../commands/dispatcher.js';
import { ConnectedSocket, type SocketContext } from '../connected-socket.js';
import type { ConnectionGuard } from './connection-guard.js';
import type { Connections } from './connections.js';
import { admit, type HandshakeOptions, HandshakeRefusal, limitHandshakes } from './handshake.js';
import type { WireNamespace, WireSocket } from './socket-server.js';
import type { SocketSet } from './socket-set.js';

export interface AcceptOptions {
  handshake: HandshakeOptions;
  socket: SocketContext;
  socketsPerUser: number;
  isRevoked(sessionId: string): boolean;
  connections: Connections;
  sockets: SocketSet;
  dispatcher: CommandDispatcher;
}

/** Lets sockets in, one a connection, and gives each its feed and its commands. */
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

/** Refuses a namespace that isn't here; a connection that has none is closed. Counted as any other handshake. */
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
  const { hub, counters, log } = options.socket;
  if (hub.socketsOf(principal.userId) >= options.socketsPerUser) {
    const { code, temporary } = new AppError('too-many-sockets');
    counters.handshakesRefused[code] = (counters.handshakesRefused[code] ?? 0) + 1;
    socket.emit('session.ended', { code, temporary });
    socket.disconnect(true);
    guard.close();
    return;
  }
  const connected = new ConnectedSocket(socket, guard, principal, options.socket);
  options.connections.joined(socket.conn, () => connected.end('rate-limited'));
  options.sockets.add(connected);
  socket.once('disconnect', () => options.sockets.delete(connected));
  // Only now: a revocation that came before the join found no socket to end.
  if (options.isRevoked(principal.sessionId)) {
    connected.end('session-revoked');
    return;
  }
  // `next` is never called: nothing a client sends reaches Socket.IO's own event emitter.
  socket.use((eventArguments) => options.dispatcher.handle(connected, eventArguments));
  connected.start(cursor).catch((error: unknown) => {
    log.error({ err: error, userId: principal.userId }, 'socket could not start');
    connected.closeTransport();
  });
}
