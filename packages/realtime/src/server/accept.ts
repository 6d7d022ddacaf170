import { AppError } from '@warren/contracts';
import type { CommandDispatcher } from '../commands/dispatcher.js';
import { ConnectedSocket, type SocketContext } from '../connected-socket.js';
import type { Connection } from '../limits/unsent-meter.js';
import { admit, type HandshakeOptions, HandshakeRefusal } from './handshake.js';
import type { WireNamespace, WireSocket } from './socket-server.js';
import type { SocketSet } from './socket-set.js';

export interface AcceptOptions {
  handshake: HandshakeOptions;
  socket: SocketContext;
  socketsPerUser: number;
  isRevoked(sessionId: string): boolean;
  sockets: SocketSet;
  dispatcher: CommandDispatcher;
}

/** Lets sockets in, one a connection, and gives each its feed and its commands. */
export function acceptSockets(namespace: WireNamespace, options: AcceptOptions): void {
  const taken = new WeakSet<Connection>();

  namespace.use((socket, next) => {
    if (taken.has(socket.conn)) {
      next(new HandshakeRefusal(new AppError('invalid-request', { detail: 'Already connected' })));
      return;
    }
    taken.add(socket.conn);
    admit(socket.handshake.auth, socket.request, options.handshake).then(
      (admission) => {
        socket.data = admission;
        next();
      },
      (refusal: HandshakeRefusal) => {
        taken.delete(socket.conn);
        next(refusal);
      },
    );
  });

  namespace.on('connection', (socket) => accept(socket, options));
}

function accept(socket: WireSocket, options: AcceptOptions): void {
  const { principal, cursor } = socket.data;
  const { hub, counters, log } = options.socket;
  if (hub.socketsOf(principal.userId) >= options.socketsPerUser) {
    const { code, temporary } = new AppError('too-many-sockets');
    counters.handshakesRefused[code] = (counters.handshakesRefused[code] ?? 0) + 1;
    socket.emit('session.ended', { code, temporary });
    socket.disconnect(true);
    return;
  }
  const connected = new ConnectedSocket(socket, principal, options.socket);
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
