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
      defaultText: 'production where NODE_ENV is, as in the images; else development',
      description:
        '`production` refuses the secrets that are published with this code, and warns of what moves no real money.',
    }),
    PORT: Type.Integer({
      minimum: 0,
      maximum: 65_535,
      default: port,
      description: 'Port of the HTTP and socket listener; 0 takes a free one.',
    }),
    HOST: Type.String({ minLength: 1, default: '0.0.0.0', description: 'Address that both listeners bind.' }),
    INTERNAL_PORT: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 65_535,
        defaultText: 'PORT + 1000',
        description: 'Port of `/metrics` and of probes; never exposed outside. 0 takes a free one.',
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
          'The same database for the role that owns its tables, without a pooler between. Migrations then grant the role of `DATABASE_URL` rights to rows only.',
      }),
    ),
    DATABASE_POOL: Type.Integer({
      minimum: 2,
      maximum: 200,
      default: 10,
      description: 'Most database connections of this instance. One of them is the health check’s own.',
    }),
    MIGRATE: Type.Enum(['on', 'off'], {
      default: 'on',
      description:
        '`on` migrates the database at start; several instances may do so at once. `off` where `node dist/main.js --migrate-only` did it.',
    }),
    AMQP_URL: Type.Optional(
      Type.String({
        ...secret,
        pattern: '^amqps?://',
        defaultText: 'none',
        description: 'The RabbitMQ broker. Required, unless the process brings a bus of its own.',
      }),
    ),
    AMQP_USERS: Type.Optional(
      Type.Enum(['per-service', 'shared'], {
        defaultText: '`per-service` where the user in `AMQP_URL` bears the service’s name, else `shared`',
        description:
          '`per-service`: each service has a broker user of its own name, and an event is believed only of a service that may publish it. `shared`: all services connect as one user, and any of them can speak for the others.',
      }),
    ),
    AMQP_PREFIX: Type.String({
      pattern: prefixPattern,
      maxLength: 40,
      default: defaultPrefix,
      description:
        'What the names of all exchanges and queues begin with, in kebab case; the same for all services. Two systems with different prefixes can share a broker.',
    }),
    OUTBOX_BACKLOG: Type.Integer({
      minimum: 1,
      maximum: 10_000_000,
      default: 100_000,
      description: 'Unpublished events beyond which new work is refused as `service-overloaded`.',
    }),
    NODE_ID: Type.String({
      minLength: 1,
      maxLength: 100,
      pattern: '^[A-Za-z0-9._-]+$',
      default: `${hostname()}-${process.pid}`,
      defaultText: 'host name and process id',
      description: 'Names this instance in logs, metrics and `session.ready`.',
    }),
    LOG_LEVEL: Type.Enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'], {
      default: 'info',
      description: 'Least severe log level that is written.',
    }),
    DRAIN_SECONDS: Type.Integer({
      minimum: 0,
      maximum: 600,
      default: 10,
      description: 'Seconds within which a stopping instance hands over its sockets.',
    }),
    CORS_ORIGINS: Type.Array(Type.String({ minLength: 1 }), {
      normalise: normaliseOrigins,
      default: ['http://localhost:4000', 'http://127.0.0.1:4000'],
      description: 'Origins of browsers that may call, separated by commas; `*` for any.',
    }),
    SOCKETS: Type.Enum(['own'], {
      default: 'own',
      description: 'Who hosts this service’s namespace: `own`, the service itself.',
    }),
    ROUTING: Type.Enum(['broadcast'], {
      default: 'broadcast',
      description: 'How a push finds the node that holds the socket.',
    }),
    SOCKET_PATH: Type.String({
      pattern: '^/[A-Za-z0-9/._-]*$',
      default: '/socket.io',
      description: 'Path of the Socket.IO endpoint.',
    }),
    TRUST_PROXY: Type.Enum(['on', 'off'], {
      default: 'off',
      description: '`on` behind a proxy that sets `X-Forwarded-For`: limits then count the client it names.',
    }),
    REQUESTS_PER_MINUTE: Type.Integer({
      minimum: 1,
      maximum: 10_000_000,
      default: 600,
      description:
        'Requests that one person may send to one instance, not counting routes with a limit of their own. A client network may send ten times as many without a good token.',
    }),
    HANDSHAKES_PER_MINUTE: Type.Integer({
      minimum: 1,
      maximum: 1_000_000,
      default: 6_000,
      description: 'Socket handshakes that one client address may make.',
    }),
    UNJOINED_PER_ADDRESS: Type.Integer({
      minimum: 1,
      maximum: 100_000,
      default: 1_000,
      description:
        'Connections of one client address that have joined no namespace yet; in total five times as many.',
    }),
    POLLING: Type.Enum(['on', 'off'], {
      default: 'off',
      description: '`on` allows HTTP long polling, which needs sticky sessions.',
    }),
    USER_SERVICE_URL: Type.String({
      pattern: '^https?://',
      default: 'http://127.0.0.1:4001',
      description: 'The user service, for its public keys.',
    }),
    JWKS_URL: Type.Optional(
      Type.String({
        pattern: '^https?://',
        defaultText: 'USER_SERVICE_URL + /.well-known/jwks.json',
        description: 'Public keys of the token issuer.',
      }),
    ),
    JWT_ALGORITHMS: Type.Array(Type.Enum(['ES256', 'ES384', 'EdDSA', 'RS256', 'PS256']), {
      minItems: 1,
      default: ['ES256', 'EdDSA'],
      description: 'Signatures that access tokens may have, separated by commas.',
    }),
    REVOCATIONS_URL: Type.Optional(
      Type.String({
        pattern: '^(https?://.*|off)$',
        defaultText: 'USER_SERVICE_URL with its port + 1000, /internal/revocations',
        description:
          'Lists sessions that ended before their tokens; `off` where another issuer has no such list.',
      }),
    ),
    JWT_ISSUER: Type.String({
      minLength: 1,
      default: 'urn:warren:user',
      description: 'The `iss` that access tokens must carry.',
    }),
    JWT_AUDIENCE: Type.String({
      minLength: 1,
      default: 'warren',
      description: 'The `aud` that access tokens must carry, or the `client_id` where they have no `aud`.',
    }),
  });
}

/** What every service can read of its environment, as parsed. */
export type KitConfig = Static<ReturnType<typeof kitConfigSchema>>;
