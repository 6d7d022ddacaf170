import type { IncomingMessage } from 'node:http';
import type { FeedEntry } from '@warren/unit-of-work';
import type { RealtimeNode, RealtimeOptions } from './api.js';
import { commandTable, fromService } from './commands/command.js';
import { CommandDispatcher } from './commands/dispatcher.js';
import { feedPull } from './commands/feed-pull.js';
import { PullQueue } from './commands/pull-queue.js';
import { sessionRefresh } from './commands/session-refresh.js';
import { FeedBatcher } from './feed/feed-batcher.js';
import { Hub } from './feed/hub.js';
import { HeadSweep } from './feed/sweep.js';
import { defaultLimits } from './limits/limits.js';
import { TokenBuckets } from './limits/token-buckets.js';
import { NodePushes } from './node-pushes.js';
import { Connections } from './server/connections.js';
import { createSocketServer } from './server/socket-server.js';
import { UnjoinedConnections } from './server/unjoined-connections.js';
import { UpgradeGate } from './server/upgrade-gate.js';
import { acceptSockets, refuseNamespace } from './sockets/accept.js';
import { Drain } from './sockets/drain.js';
import { SocketSet } from './sockets/socket-set.js';
import { countRefusedHandshake, newCounters } from './stats.js';

/** Milliseconds that `close` gives peers to read what was sent to them. */
const closeGraceMs = 1_000;

/** Adds one service's namespace to an HTTP server. Throws if two commands have the same name. */
export function createRealtime(options: RealtimeOptions): RealtimeNode {
  const { server, service, node, path, feeds, nodes, verifyToken } = options;
  const log = options.log.child({ part: 'realtime' });
  const limits = { ...defaultLimits, ...options.limits };
  const counters = newCounters();
  const [openings, pages] = [new FeedBatcher(feeds, log), new FeedBatcher(feeds, log)];
  const pushes = new NodePushes(nodes, service, log);
  const hub = new Hub({ pages, counters, log }, pushes, options.users);
  const sockets = new SocketSet();
  const clientAddress = options.clientAddress ?? peerAddress;
  const isReady = options.isReady ?? (() => true);
  const unjoined = new UnjoinedConnections(limits.unjoinedPerAddress);
  const gate = new UpgradeGate({
    mayOpen: (request) => isReady() && !unjoined.isFull(clientAddress(request)),
    onRefused: () => void counters.upgradesRefused++,
  });
  const connections = new Connections(server, path, unjoined, {
    limits,
    onCut: () => void counters.connectionsCut++,
  });
  const drain = new Drain({ gate, sockets, connections });
  const sweep = new HeadSweep({ feeds, users: () => hub.users(), roundMs: options.sweepMs ?? 15_000, log });
  const handshake = {
    verifyToken,
    limiter: new TokenBuckets({
      perSecond: limits.handshakesPerMinute / 60,
      burst: limits.handshakesPerMinute,
    }),
    clientAddress,
    onRefused: (code: string) => countRefusedHandshake(counters, code),
    log,
  };
  const { io, namespace } = createSocketServer({
    server,
    service,
    path,
    corsOrigins: options.corsOrigins,
    polling: options.polling,
    payloadHardBytes: limits.payloadHardBytes,
    pingIntervalMs: options.pingIntervalMs ?? 10_000,
    pingTimeoutMs: options.pingTimeoutMs ?? 8_000,
    gate,
    clientAddress,
    log,
    refuseNamespace: (socket, next) => refuseNamespace(socket, next, { connections, handshake }),
  });
  const dispatcher = new CommandDispatcher({
    commands: commandTable([
      sessionRefresh(verifyToken),
      feedPull(feeds, new PullQueue(limits.pulls), limits.unsentBytes),
      ...options.commands.map(fromService),
    ]),
    limits,
    log,
  });

  io.engine.on('connection', (connection) => {
    connections.add(connection, clientAddress(connection.request));
  });
  acceptSockets(namespace, {
    handshake,
    socket: {
      node,
      hub,
      feeds,
      openings,
      unsentBytes: limits.unsentBytes,
      counters,
      log,
      slotIfDraining: () => drain.slot(),
    },
    socketsPerUser: limits.socketsPerUser,
    isRevoked: options.isRevoked ?? (() => false),
    connections,
    sockets,
    onPacket: (socket, eventArguments) => dispatcher.handle(socket, eventArguments),
  });

  sweep.start();

  return {
    committed(entries: readonly FeedEntry[]) {
      for (const entry of entries) hub.push(entry);
      pushes.push(entries);
    },
    hint: (topic, keys) => pushes.hint(topic, keys),
    onHint: (topic, listener) => pushes.onHint(topic, listener),
    connectedUsers: () => hub.userIds(),
    get socketCount() {
      return sockets.size;
    },
    stats: () =>
      structuredClone({
        ...counters,
        sockets: sockets.size,
        users: hub.userCount,
        unjoined: unjoined.size,
        opening: openings.length,
      }),
    endSessions(sessionIds) {
      for (const sessionId of sessionIds) {
        for (const socket of sockets.ofSession(sessionId)) socket.end('session-revoked');
      }
    },
    refuse: () => gate.shut(),
    drain: (withinMs) => drain.run(withinMs),
    async close() {
      gate.shut();
      await sweep.close();
      await connections.closeAll(closeGraceMs);
      connections.detach();
      io.engine.close();
    },
  };
}

function peerAddress({ socket }: IncomingMessage): string {
  return socket.remoteAddress ?? '';
}
