import { Decimal, Sql } from '@prisma/client/runtime/client';
import type { CommitWith, PgTransaction } from '@warren/unit-of-work';
import pg, { type QueryConfig } from 'pg';

/** Prisma's raw statements with Prisma's result types, sent directly by node-postgres. Takes a third of Prisma's time. */
export function rawStatements(transaction: PgTransaction, nameOf: (sql: string) => string | undefined) {
  const statement = (text: string, values: readonly unknown[]): QueryConfig => ({
    name: nameOf(text),
    text,
    values: values.map(toParameter),
    types: { getTypeParser: parserOf as typeof pg.types.getTypeParser },
  });
  const ofTemplate = (given: Template, values: readonly unknown[]): QueryConfig => {
    const sql = given instanceof Sql ? given : new Sql(given, values);
    return statement(sql.text, sql.values);
  };
  const query = async <T>(given: QueryConfig) => (await transaction.query(given)).rows as T;
  const execute = async (given: QueryConfig) => (await transaction.query(given)).rowCount ?? 0;
  const commitWith: CommitWith = async <Row extends object>(sql: string, values: readonly unknown[]) =>
    (await transaction.commitWith<Row>(statement(sql, values))).rows;

  return {
    $queryRaw: async <T>(given: Template, ...values: unknown[]) => query<T>(ofTemplate(given, values)),
    $executeRaw: async (given: Template, ...values: unknown[]) => execute(ofTemplate(given, values)),
    $queryRawUnsafe: async <T>(sql: string, ...values: unknown[]) => query<T>(statement(sql, values)),
    $executeRawUnsafe: async (sql: string, ...values: unknown[]) => execute(statement(sql, values)),
    $commitWith: commitWith,
  };
}

/** The first argument of a tagged template, or what Prisma's `sql` made of one. */
type Template = TemplateStringsArray | Sql;

/**
 * Serializes values before node-postgres sees the statement. If node-postgres itself failed to serialize a value of a named
 * statement, it would close that statement on the connection but still count it as prepared.
 */
function toParameter(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(toParameter);
  if (value instanceof Date) return value.toISOString();
  if (value === null || typeof value !== 'object' || ArrayBuffer.isView(value)) return value;
  return Decimal.isDecimal(value) ? String(value) : JSON.stringify(value);
}

type Parser = (text: string) => unknown;

const decimal: Parser = (text) => new Decimal(text);
const json: Parser = (text) => JSON.parse(text);
const timeOfDay: Parser = (text) => new Date(`1970-01-01T${text.replace(/[+-][\d:]+$/, '')}Z`);
const { builtins } = pg.types;
const usual = (oid: number): Parser => pg.types.getTypeParser(oid, 'text');

/** By type: its id, the id of its array type, and the parser of its text. Other types stay text. */
const types: [oid: number, arrayOid: number, parser: Parser][] = [
  [builtins.BOOL, 1000, (text) => text === 't'],
  [builtins.INT2, 1005, Number],
  [builtins.INT4, 1007, Number],
  [builtins.INT8, 1016, BigInt],
  [builtins.OID, 1028, BigInt],
  [builtins.FLOAT4, 1021, Number],
  [builtins.FLOAT8, 1022, Number],
  [builtins.NUMERIC, 1231, decimal],
  [builtins.MONEY, 791, (text) => decimal(text.slice(1))],
  [builtins.BYTEA, 1001, (text) => new Uint8Array(usual(builtins.BYTEA)(text) as Buffer)],
  [builtins.JSON, 199, json],
  [builtins.JSONB, 3807, json],
  [builtins.DATE, 1182, (text) => new Date(text)],
  [builtins.TIME, 1183, timeOfDay],
  [builtins.TIMETZ, 1270, timeOfDay],
  [builtins.TIMESTAMP, 1115, (text) => new Date(`${text.replace(' ', 'T')}Z`)],
  [builtins.TIMESTAMPTZ, 1185, usual(builtins.TIMESTAMPTZ)],
];
const text: Parser = (value) => value;
/** Arrays of text: bpchar, text, varchar, name, bit, varbit, inet, cidr, uuid, xml. */
const arraysOfText = [1014, 1009, 1015, 1003, 1561, 1563, 1041, 651, 2951, 143];

const listOf =
  (parser: Parser): Parser =>
  (list) =>
    arrayParser.create(list, (entry) => (entry === null ? null : parser(entry))).parse();

/** The declared type is that of another version. */
const arrayParser = pg.types.arrayParser as unknown as {
  create(list: string, entry: (text: string | null) => unknown): { parse(): unknown[] };
};

const parsers = new Map<number, Parser>([
  ...types.flatMap(([oid, arrayOid, parser]): [number, Parser][] => [
    [oid, parser],
    [arrayOid, listOf(parser)],
  ]),
  ...arraysOfText.map((oid): [number, Parser] => [oid, listOf(text)]),
]);

const parserOf = (oid: number): Parser => parsers.get(oid) ?? text;
