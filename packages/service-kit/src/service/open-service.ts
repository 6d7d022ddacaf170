import type { ServiceContract } from '@warren/contracts';
import { createMemoryNodes } from '@warren/node-bus';
import { createRealtime } from '@warren/realtime';
import { createUnitOfWork, type MessagingStats, type RawClient, withLease } from '@warren/unit-of-work';
import type { Logger } from 'pino';
import type { Static, TObject } from 'typebox';
import { createRemoteKeys, type RemoteKeys } from '../auth/remote-keys.js';
import { createTokenVerifier } from '../auth/token-verifier.js';
import { type Commands, socketCommands, timedCommand } from '../commands.js';
import type { KitConfig } from '../config/kit-config.js';
import { brokerUsersOf } from '../config/service-config.js';
import type { Background, ServiceClient, ServiceDefinition, WithLease } from '../definition.js';
import { clientAddress, networkOf } from '../http/client-address.js';
import { type CheckAnswer, Readiness } from '../http/health.js';
import { createInternalListener } from '../http/internal-listener.js';
import { closeHttp, listen } from '../http/listen.js';
import { RequestLimit } from '../http/request-limit.js';
import { addRoutes, createHttp } from '../http/server.js';
import { Metrics } from '../observe/metrics.js';
import { measure } from '../observe/service-metrics.js';
import { Revocations, unrevoked } from '../revocations/revocations.js';
import { remoteRevocations, revocationsUrl } from '../revocations/source.js';
import { RevocationWatch } from '../revocations/watch.js';
import { openBus, openNodes } from './broker.js';
import type { RunningService, ServiceOverrides } from './create-service.js';
import { openDatabase } from './database.js';
import { DeferredSockets } from './deferred-sockets.js';
import { type Closing, createStop } from './stop.js';

export interface OpenOptions<
  Config extends TObject,
  Db extends RawClient,
  Client extends ServiceClient<Db>,
  C extends ServiceContract,
> {
  definition: ServiceDefinition<Config, Db, Client, C>;
  config: Static<Config> & KitConfig;
  log: Logger;
  /** Everything that is opened is added here, also if a later step fails. */
  closing: Closing;
  overrides: ServiceOverrides;
}

/** Opens the parts of a service, each after those that it needs. */
export async function openService<
  Config extends TObject,
  Db extends RawClient,
  Client extends ServiceClient<Db>,
  C extends ServiceContract,
>(options: OpenOptions<Config, Db, Client, C>): Promise<RunningService> {
  const { definition, log, closing, overrides } = options;
  const { contract } = definition;
  const { service } = contract;
  const config: KitConfig = options.config;
  const node = config.NODE_ID;
  const metrics = new Metrics(service, node);
  const { pool, health, client } = await openDatabase<Db, Client>(definition, config, log, closing);

  const users = brokerUsersOf(config, service);
  const { AMQP_URL: url, AMQP_PREFIX: prefix } = config;
  const broker = { url, prefix, users, service, node, contract, log };
  const given = { bus: overrides.bus, nodes: overrides.nodes ?? createMemoryNodes() };
  const bus = openBus(broker, given);
  closing.add('event bus', () => bus.close());
  const limits = { maxBacklog: config.OUTBOX_BACKLOG };
  const schema = config.MESSAGING_SCHEMA;
  const messaging = createUnitOfWork({ contract, client, pool, schema, bus, limits, log });
  closing.add('relay', () => messaging.stop());
  const nodes = openNodes(broker, given);
  closing.add('node bus', () => nodes.close());

  const sockets = new DeferredSockets();
  const { uow } = messaging;
  const leased: WithLease = (name, work) => withLease(pool, name, { schema, log }, work);
  const doors = await definition.doors({
    config: options.config,
    client,
    uow,
    sockets,
    withLease: leased,
    log,
  });
  // Whether there are commands depends on the type of the contract, which is generic here.
  const commands = socketCommands(contract, doors.commands as Commands<C> | undefined);
  const revocations = new Revocations();
  const ownKeys = overrides.keys ?? doors.keys;
  const remote = remoteKeys(config, log);
  if (!ownKeys) startBackground([remote.firstRead], closing);
  const verifyToken = createTokenVerifier({
    issuer: config.JWT_ISSUER,
    audience: config.JWT_AUDIENCE,
    algorithms: config.JWT_ALGORITHMS,
    keys: ownKeys ?? remote.keys,
  });
  const isRevoked = (sessionId: string) => revocations.has(sessionId);
  const verify = unrevoked(verifyToken, isRevoked);
  const readiness = new Readiness({
    database: () => health.check().then(() => 'ok' as const),
    broker: () => checkBroker([bus, nodes], messaging.stats()),
  });

  const addressOf = clientAddress(config.TRUST_PROXY === 'on');
  const corsOrigins = config.CORS_ORIGINS;
  const limit = new RequestLimit(config.REQUESTS_PER_MINUTE);
  const http = await createHttp({ contract, corsOrigins, addressOf, readiness, metrics, log, limit });
  closing.add('HTTP', () => closeHttp(http));
  await addRoutes(http, doors.http, verify, limit);
  const realtime = createRealtime({
    server: http.server,
    service,
    node,
    path: config.SOCKET_PATH,
    corsOrigins,
    polling: config.POLLING === 'on',
    verifyToken: verify,
    isReady: () => ownKeys !== undefined || remote.known,
    isRevoked,
    feeds: messaging.feeds,
    commands: commands.map((command) => timedCommand(command, metrics)),
    nodes,
    users: sockets.users,
    limits: {
      handshakesPerMinute: config.HANDSHAKES_PER_MINUTE,
      unjoinedPerAddress: config.UNJOINED_PER_ADDRESS,
    },
    clientAddress: (request) => networkOf(addressOf(request)),
    log,
  });
  closing.add('sockets', () => realtime.close());
  sockets.attach(realtime);
  messaging.onCommitted((entries) => realtime.committed(entries));
  revocations.onAdded((sessionIds) => realtime.endSessions(sessionIds));
  const source = doors.revocations ?? listedRevocations(config);
  const watch = source && new RevocationWatch({ revocations, nodes, source, log });
  if (watch) {
    closing.add('revocations', () => watch.stop());
    await watch.start();
  }
  measure(metrics, { messaging, realtime, broker: bus, nodes, revocations, watch });

  const internal = await createInternalListener({
    metrics,
    readiness,
    log,
    routes: doors.internal ?? [],
    verify,
    addressOf,
  });
  closing.add('internal HTTP', () => closeHttp(internal));
  const port = await listen(http, config.HOST, config.PORT);
  const internalPort = await listen(internal, config.HOST, internalPortOf(config));
  await messaging.start({ handlers: definition.events ?? [], snapshots: doors.snapshots ?? [] });
  startBackground(doors.background ?? [], closing);
  readiness.started();
  log.info({ port, internalPort }, 'started');

  const stop = createStop({ readiness, realtime, bus, closing, drainSeconds: config.DRAIN_SECONDS, log });
  return { name: service, port, internalPort, url: `http://127.0.0.1:${port}`, stop };
}

function remoteKeys(config: KitConfig, log: Logger): RemoteKeys {
  const url = config.JWKS_URL ?? `${config.USER_SERVICE_URL.replace(/\/$/, '')}/.well-known/jwks.json`;
  return createRemoteKeys(new URL(url), log);
}

function listedRevocations({ REVOCATIONS_URL: url, USER_SERVICE_URL }: KitConfig) {
  return url === 'off' ? undefined : remoteRevocations(url ?? revocationsUrl(USER_SERVICE_URL));
}

/**
 * An unreachable broker leaves the instance ready, since the outbox keeps the events. But if the broker has refused this
 * process since its start, the instance is not ready, so that a rollout stops.
 *
 * It is also `degraded` while events wait for the queue of another service, and while this service waits for the events
 * that its lost queue held.
 */
function checkBroker(
  parts: readonly { state: 'up' | 'degraded'; refused?: string | undefined }[],
  { relay, recovering }: Pick<MessagingStats, 'relay' | 'recovering'>,
): CheckAnswer {
  if (parts.some(({ refused }) => refused !== undefined))
    return { result: 'failed', detail: 'the broker refuses what this service needs; the log says what' };
  if (relay.returned > 0)
    return { result: 'degraded', detail: 'no queue takes events that other services consume; they are kept' };
  if (recovering > 0)
    return {
      result: 'degraded',
      detail: 'the queue of this service was lost; producers are asked for what it held',
    };
  return parts.every(({ state }) => state === 'up') ? 'ok' : 'degraded';
}

function internalPortOf({ PORT, INTERNAL_PORT }: KitConfig): number {
  return INTERNAL_PORT ?? (PORT === 0 ? 0 : PORT + 1_000);
}

function startBackground(background: readonly Background[], closing: Closing): void {
  for (const each of background) {
    closing.add(each.name, () => each.stop());
    each.start();
  }
}
