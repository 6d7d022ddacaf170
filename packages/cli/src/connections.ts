import { defaultPrefix, type Operator, openOperator, prefixPattern } from '@warren/event-bus';
import { readConfig } from '@warren/service-kit/config';
import pg from 'pg';
import { Type } from 'typebox';
import { Failure, type Io } from './command.js';

const brokerSchema = Type.Object({
  AMQP_URL: Type.String({
    secret: true,
    pattern: '^amqps?://',
    description: 'the RabbitMQ broker, with the credentials of the service itself.',
  }),
  AMQP_PREFIX: Type.String({
    pattern: prefixPattern,
    maxLength: 40,
    default: defaultPrefix,
    description: 'the prefix of all exchange and queue names; the same as the services’.',
  }),
});

const databaseSchema = Type.Object({
  DATABASE_URL: Type.String({
    secret: true,
    pattern: '^postgres(ql)?://',
    description: 'the database of the service itself.',
  }),
  MESSAGING_SCHEMA: Type.String({
    pattern: '^[a-z][a-z0-9_]*$',
    default: 'messaging',
    description: 'the schema of the kit in that database, as the service has it.',
  }),
});

/** Runs `work` with the service's broker, and closes the connection. Throws `ConfigError`, `OperatorError`. */
export async function withBroker<T>(
  io: Io,
  service: string,
  work: (operator: Operator) => Promise<T>,
): Promise<T> {
  const { AMQP_URL: url, AMQP_PREFIX: prefix } = readConfig(brokerSchema, io.env);
  const operator = await openOperator({ url, prefix, service });
  try {
    return await work(operator);
  } finally {
    await operator.close();
  }
}

export function hasDatabase({ env }: Io): boolean {
  return Boolean(env.DATABASE_URL || env.DATABASE_URL_FILE);
}

/** A statement on the tables of the kit. `schema`: their schema, quoted. */
export type Statement = (schema: string) => string;

/** The service's database. A statement times out after 15 s. */
export interface Database {
  /** Throws `Failure`. */
  rows<Row extends pg.QueryResultRow>(statement: Statement, values?: readonly unknown[]): Promise<Row[]>;
}

/** Runs `work` with the service's database, and closes the connection. Throws `ConfigError`, `Failure`. */
export async function withDatabase<T>(io: Io, work: (database: Database) => Promise<T>): Promise<T> {
  const { DATABASE_URL: connectionString, MESSAGING_SCHEMA } = readConfig(databaseSchema, io.env);
  const schema = pg.escapeIdentifier(MESSAGING_SCHEMA);
  const client = new pg.Client({
    connectionString,
    connectionTimeoutMillis: 5_000,
    statement_timeout: 15_000,
    query_timeout: 20_000,
    application_name: 'warren-cli',
  });
  // Without a listener a lost connection would end the process. The query that it interrupts rejects.
  client.on('error', () => undefined);
  try {
    await client.connect();
  } catch (error) {
    throw new Failure('the database cannot be reached', { cause: error });
  }
  try {
    return await work({
      async rows<Row extends pg.QueryResultRow>(statement: Statement, values: readonly unknown[] = []) {
        try {
          return (await client.query<Row>(statement(schema), [...values])).rows;
        } catch (error) {
          throw databaseFailure(error);
        }
      },
    });
  } finally {
    await client.end().catch(() => undefined);
  }
}

const undefinedTable = '42P01';
const undefinedSchema = '3F000';

function databaseFailure(error: unknown): Failure {
  const code = error instanceof pg.DatabaseError ? error.code : undefined;
  const lacksTables = code === undefinedTable || code === undefinedSchema;
  const message = lacksTables
    ? 'DATABASE_URL has no messaging tables of this version (start the service once to create them)'
    : 'the query failed';
  return new Failure(message, { cause: error });
}
