import { Sql } from '@prisma/client/runtime/client';
import type { KitTransaction } from './kit-transaction.js';
import { lazy } from './lazy.js';
import { type RawArguments, rawArguments, rawRows } from './raw-values.js';

/** Of the client, not of one of its transactions. */
const hidden = new Set<PropertyKey>(['$connect', '$disconnect', '$on', '$use', '$extends', 'then']);

type Call<Db> = (db: Db) => unknown;

/**
 * What a handler sees of its transaction: Prisma's transaction client. Raw statements go straight to the database,
 * which costs a third of the way through Prisma; everything else goes to `prisma`, Prisma's own client of the same
 * transaction, which is opened when it is first needed.
 */
export function txClient<Db extends object>(
  root: Db,
  transaction: KitTransaction,
  prisma: () => Promise<Db>,
): Db {
  const call = (made: Call<Db>) => lazy(async () => made(await prisma()));
  const raw = rawMethods(transaction, (method, args) => prisma().then((db) => invoke(db, [method], args)));

  return new Proxy(root, {
    get(target, property) {
      if (typeof property === 'string' && Object.hasOwn(raw, property)) return raw[property];
      if (hidden.has(property)) return undefined;
      const value: unknown = Reflect.get(target, property);
      if (typeof value === 'function') {
        return (...args: unknown[]) => call((db) => invoke(db, [property], args));
      }
      return isObject(value) ? delegate(value, property) : value;
    },
  });

  /** A model: its operations wait for Prisma's client, the rest is what it always is. */
  function delegate(model: object, name: PropertyKey): object {
    return new Proxy(model, {
      get(target, property) {
        const value: unknown = Reflect.get(target, property);
        if (typeof value !== 'function') return value;
        return (...args: unknown[]) => call((db) => invoke(db, [name, property], args));
      },
    });
  }
}

type Run = (sql: string, values: RawArguments) => Promise<unknown>;
type RawMethods = Record<string, (query: unknown, ...values: unknown[]) => Promise<unknown>>;

/** `viaPrisma` runs what isn't plain. */
function rawMethods(
  transaction: KitTransaction,
  viaPrisma: (method: string, args: unknown[]) => Promise<unknown>,
): RawMethods {
  const query = async (sql: string, values: RawArguments) =>
    rawRows(await transaction.queryRaw({ sql, ...values }));
  const execute = (sql: string, values: RawArguments) => transaction.executeRaw({ sql, ...values });

  const method =
    (name: string, run: Run, read: typeof fromTemplate) =>
    (given: unknown, ...values: unknown[]) =>
      lazy((): Promise<unknown> => {
        const statement = read(given, values);
        const plain = statement && rawArguments(statement.values);
        return plain ? run(statement.sql, plain) : viaPrisma(name, [given, ...values]);
      });

  return {
    $queryRaw: method('$queryRaw', query, fromTemplate),
    $executeRaw: method('$executeRaw', execute, fromTemplate),
    $queryRawUnsafe: method('$queryRawUnsafe', query, fromText),
    $executeRawUnsafe: method('$executeRawUnsafe', execute, fromText),
  };
}

interface Statement {
  sql: string;
  values: readonly unknown[];
}

function fromTemplate(given: unknown, values: unknown[]): Statement | undefined {
  const sql = isTemplate(given) ? new Sql(given, values) : given;
  return sql instanceof Sql ? { sql: sql.text, values: sql.values } : undefined;
}

function fromText(given: unknown, values: unknown[]): Statement | undefined {
  return typeof given === 'string' ? { sql: given, values } : undefined;
}

function isTemplate(given: unknown): given is TemplateStringsArray {
  return Array.isArray(given) && 'raw' in given;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

/** `path` names a method of `root` or of one of its members. */
function invoke(root: object, path: readonly PropertyKey[], args: unknown[]): unknown {
  const method = path.at(-1) as PropertyKey;
  const owner = path.slice(0, -1).reduce<object>((object, name) => Reflect.get(object, name) as object, root);
  return (Reflect.get(owner, method) as (...args: unknown[]) => unknown).apply(owner, args);
}
