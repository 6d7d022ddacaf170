import { join, resolve } from 'node:path';
import { ConfigError, type Environment, readConfig } from '@warren/service-kit';
import { Type } from 'typebox';
import type { HostedService } from './hosted-service.js';

const checkout = resolve(import.meta.dirname, '../../..');

export interface Config {
  dataDir: string;
  /** Address that all listeners of all services bind. */
  host: string;
  /** Servers to use instead of what is embedded. */
  servers: { amqp: string; database: string } | undefined;
  /** By service name. */
  ports: ReadonlyMap<string, number>;
}

/** What a configuration needs to know of a service. */
type Ported = Pick<HostedService, 'name' | 'portVariable' | 'defaultPort'>;

/** What `npm start` reads of its environment. Throws `ConfigError` with a line for each wrong value. */
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
      description: `Port of the ${name} service; 0 takes a free one. Its metrics are 1000 above.`,
    }),
  ]);
  return Type.Object({
    WARREN_DATA_DIR: Type.String({
      default: join(checkout, '.warren'),
      description: 'Where everything embedded keeps its data.',
    }),
    HOST: Type.String({
      minLength: 1,
      default: '127.0.0.1',
      description: 'Address that every port binds, those of metrics too; 0.0.0.0 lets other machines in.',
    }),
    AMQP_URL: Type.Optional(
      Type.String({ pattern: '^amqps?://', description: 'A RabbitMQ, for a process per service.' }),
    ),
    DATABASE_URL: Type.Optional(
      Type.String({
        pattern: '^postgres(ql)?://',
        description: 'A PostgreSQL server on which databases may be created.',
      }),
    ),
    ...Object.fromEntries(ports),
  });
}

function serversOf(amqp: unknown, database: unknown): Config['servers'] {
  if (typeof amqp === 'string' && typeof database === 'string') return { amqp, database };
  if (amqp === undefined && database === undefined) return undefined;
  const missing = amqp === undefined ? 'AMQP_URL' : 'DATABASE_URL';
  throw new ConfigError([`${missing} is missing: set AMQP_URL and DATABASE_URL, or neither to run embedded`]);
}
