import { hostname } from 'node:os';
import { defaultPrefix, prefixPattern } from '@warren/event-bus';
import { type Static, Type } from 'typebox';
import { normaliseOrigins } from './origins.js';

/** A variable whose value must not show in an error line. */
export const secret = { secret: true } as const;

/** The environment variables that every service takes. `PORT`'s default is the service's own. */
export function kitConfigSchema(port: number) {
  return Type.Object({
    DEPLOYMENT: Type.Enum(['production', 'development'], {
      default: 'development',
      defaultText: 'production if NODE_ENV is production, as in the images; otherwise development',
      description:
        '`production` refuses secrets that are published in this repository, and warns about the sandbox and test keys, which move no money.',
    }),
    PORT: Type.Integer({
      minimum: 0,
      maximum: 65_535,
      default: port,
      description: 'Port for HTTP and sockets. 0 selects a free port.',
    }),
    HOST: Type.String({
      minLength: 1,
      default: '0.0.0.0',
      description: 'Address that the service listens on.',
    }),
    INTERNAL_PORT: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 65_535,
        defaultText: 'PORT + 1000',
        description: 'Port for `/metrics` and probes. Never expose it outside. 0 selects a free port.',
      }),
    ),
    DATABASE_URL: Type.String({
      ...secret,
      minLength: 1,
      pattern: '^postgres(ql)?://',
      description: 'The service’s own PostgreSQL database.',
    }),
    MIGRATE_DATABASE_URL: Type.Optional(
      Type.String({
        ...secret,
        minLength: 1,
        pattern: '^postgres(ql)?://',
        defaultText: 'DATABASE_URL',
        description:
          'The same database, with the role that owns its tables, and without a pooler. Migrations then allow the role in `DATABASE_URL` to read and write rows only.',
      }),
    ),
    DATABASE_POOL: Type.Integer({
      minimum: 2,
      maximum: 200,
      default: 10,
      description:
        'Largest number of database connections of this instance. The health check uses one of them alone.',
    }),
    MESSAGING_SCHEMA: Type.String({
      pattern: '^(?!pg_|public$|information_schema$)[a-z][a-z0-9_]{0,30}$',
      default: 'messaging',
      description: 'Schema of the database that holds the kit’s tables: outbox, inbox, feeds and others.',
    }),
    MIGRATE: Type.Enum(['on', 'off'], {
      default: 'on',
      description:
        '`on` migrates the database at start; several instances may start at once. Use `off` if `node dist/main.js --migrate-only` migrates it.',
    }),
    AMQP_URL: Type.Optional(
      Type.String({
        ...secret,
        pattern: '^amqps?://',
        defaultText: 'none',
        description:
          'The RabbitMQ broker. Required unless the process has a bus of its own, as `npm start` does.',
      }),
    ),
    AMQP_USERS: Type.Optional(
      Type.Enum(['per-service', 'shared'], {
        defaultText: 'per-service if the user in AMQP_URL has the service’s name, otherwise shared',
        description:
          '`per-service`: each service has a broker user of its own name, and consumers accept an event only from a service that may publish it. `shared`: all services connect as one user, and each can publish in the name of the others.',
      }),
    ),
    AMQP_PREFIX: Type.String({
      pattern: prefixPattern,
      maxLength: 40,
      default: defaultPrefix,
      description:
        'Prefix of the names of all exchanges and queues, in kebab case. Use the same for all services. Two systems with different prefixes can share a broker.',
    }),
    OUTBOX_BACKLOG: Type.Integer({
      minimum: 1,
      maximum: 10_000_000,
      default: 100_000,
      description: 'Number of unpublished events above which new work is refused as `service-overloaded`.',
    }),
    NODE_ID: Type.String({
      minLength: 1,
      maxLength: 100,
      pattern: '^[A-Za-z0-9._-]+$',
      default: `${hostname()}-${process.pid}`,
      defaultText: 'host name and process id',
      description: 'Name of this instance in logs, metrics and `session.ready`.',
    }),
    LOG_LEVEL: Type.Enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'], {
      default: 'info',
      description: 'Lowest level that is logged.',
    }),
    DRAIN_SECONDS: Type.Integer({
      minimum: 0,
      maximum: 600,
      default: 10,
      description: 'Seconds in which a stopping instance moves its sockets to other instances.',
    }),
    CORS_ORIGINS: Type.Array(Type.String({ minLength: 1 }), {
      normalise: normaliseOrigins,
      default: ['http://localhost:4000', 'http://127.0.0.1:4000'],
      description: 'Origins from which browsers may call, separated by commas. `*` allows any.',
    }),
    SOCKETS: Type.Enum(['own'], {
      default: 'own',
      description: 'Which process hosts the service’s namespace. `own`: the service itself.',
    }),
    ROUTING: Type.Enum(['broadcast'], {
      default: 'broadcast',
      description:
        'How a push reaches the node that holds the socket. `broadcast`: it goes to all nodes of the service.',
    }),
    SOCKET_PATH: Type.String({
      pattern: '^/[A-Za-z0-9/._-]*$',
      default: '/socket.io',
      description: 'Path of the Socket.IO endpoint.',
    }),
    TRUST_PROXY: Type.Enum(['on', 'off'], {
      default: 'off',
      description:
        'Use `on` behind a proxy that sets `X-Forwarded-For`. Limits then apply to the client that it names.',
    }),
    REQUESTS_PER_MINUTE: Type.Integer({
      minimum: 1,
      maximum: 10_000_000,
      default: 600,
      description:
        'Requests a minute that one person may send to one instance, except to routes with a limit of their own. Without a valid token, a client network may send ten times as many.',
    }),
    HANDSHAKES_PER_MINUTE: Type.Integer({
      minimum: 1,
      maximum: 1_000_000,
      default: 6_000,
      description: 'Socket handshakes a minute from one client address.',
    }),
    UNJOINED_PER_ADDRESS: Type.Integer({
      minimum: 1,
      maximum: 100_000,
      default: 1_000,
      description:
        'Connections of one client address that have not joined a namespace yet. All addresses together may have five times as many.',
    }),
    POLLING: Type.Enum(['on', 'off'], {
      default: 'off',
      description: '`on` allows HTTP long polling, which needs sticky sessions at the load balancer.',
    }),
    USER_SERVICE_URL: Type.String({
      pattern: '^https?://',
      default: 'http://127.0.0.1:4001',
      description: 'The user service. Its public keys verify access tokens.',
    }),
    JWKS_URL: Type.Optional(
      Type.String({
        pattern: '^https?://',
        defaultText: 'USER_SERVICE_URL + /.well-known/jwks.json',
        description: 'Where the public keys of the token issuer are.',
      }),
    ),
    JWT_ALGORITHMS: Type.Array(Type.Enum(['ES256', 'ES384', 'EdDSA', 'RS256', 'PS256']), {
      minItems: 1,
      default: ['ES256', 'EdDSA'],
      description: 'Signature algorithms that access tokens may use, separated by commas.',
    }),
    REVOCATIONS_URL: Type.Optional(
      Type.String({
        pattern: '^(https?://.*|off)$',
        defaultText: 'USER_SERVICE_URL with its port + 1000, /internal/revocations',
        description:
          'The list of sessions that ended before their access tokens. Use `off` if another issuer has no such list.',
      }),
    ),
    JWT_ISSUER: Type.String({
      minLength: 1,
      default: 'urn:warren:user',
      description: 'The `iss` that access tokens must have.',
    }),
    JWT_AUDIENCE: Type.String({
      minLength: 1,
      default: 'warren',
      description: 'The `aud` that access tokens must have, or the `client_id` if they have no `aud`.',
    }),
  });
}

/** What every service can read of its environment, as parsed. */
export type KitConfig = Static<ReturnType<typeof kitConfigSchema>>;
