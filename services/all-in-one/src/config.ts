import { join, resolve } from 'node:path';
import { ConfigError, type Environment, readConfig } from '@warren/service-kit';
import { Type } from 'typebox';
import type { HostedService } from './services.js';

const checkout = resolve(import.meta.dirname, '../../..');

export interface Config {
  dataDir: string;
  /** Address of the listeners of all services. */
  host: string;
  /** Servers to use instead of the embedded ones. */
  servers: { amqp: string; database: string } | undefined;
  /** By service name. */
  ports: ReadonlyMap<string, number>;
}

/** The part of a service that the configuration needs. */
type Ported = Pick<HostedService, 'name' | 'portVariable' | 'defaultPort'>;

/** Reads the environment of `npm start`. Throws `ConfigError` with a line for each wrong value. */
export function readStartConfig(services: readonly Ported[], env: Environment): Config {
  const values: Record<string, unknown> = readConfig(schema(services), env);
  return {
    dataDir: resolve(String(values.WARREN_DATA_DIR)),
    host: String(values.HOST),
    servers: serversOf(values.AMQP_URL, values.DATABASE_URL),
    ports: new Map(services.map(({ name, portVariable }) => [name, Number(values[portVariable])])),
  };
}

export function schema(services: readonly Ported[]) {
  const ports = services.map(({ name, portVariable, defaultPort }) => [
    portVariable,
    Type.Integer({
      minimum: 0,
      maximum: 65_535,
      default: defaultPort,
      description: `Port of the ${name} service; 0 takes a free one. Its metrics are on the port 1000 above.`,
    }),
  ]);
  return Type.Object({
    WARREN_DATA_DIR: Type.String({
      default: join(checkout, '.warren'),
      description: 'Folder for the data of everything embedded.',
    }),
    HOST: Type.String({
      minLength: 1,
      default: '127.0.0.1',
      description: 'Address of all listeners, those of metrics included; 0.0.0.0 accepts other machines.',
    }),
    AMQP_URL: Type.Optional(
      Type.String({
        pattern: '^amqps?://',
        description: 'A RabbitMQ broker; each service then runs in its own process.',
      }),
    ),
    DATABASE_URL: Type.Optional(
      Type.String({
        pattern: '^postgres(ql)?://',
        description: 'A PostgreSQL server, as a role that may create databases.',
      }),
    ),
    ...Object.fromEntries(ports),
  });
}

function serversOf(amqp: unknown, database: unknown): Config['servers'] {
  if (typeof amqp === 'string' && typeof database === 'string') return { amqp, database };
  if (amqp === undefined && database === undefined) return undefined;
  const missing = amqp === undefined ? 'AMQP_URL' : 'DATABASE_URL';
  throw new ConfigError([
    `${missing} is missing: set both AMQP_URL and DATABASE_URL, or neither to run embedded`,
  ]);
}
