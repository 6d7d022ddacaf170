import { Decimal } from '@prisma/client/runtime/client';
import {
  type ArgType,
  type ColumnType,
  ColumnTypeEnum,
  type SqlResultSet,
} from '@prisma/driver-adapter-utils';

/** Values as Prisma hands them to its driver adapter. */
export interface RawArguments {
  args: unknown[];
  argTypes: ArgType[];
}

/** Undefined where some value isn't plain: only Prisma itself knows what it makes of that. */
export function rawArguments(values: readonly unknown[]): RawArguments | undefined {
  if (!values.every((value) => (Array.isArray(value) ? value.every(isPlain) : isPlain(value))))
    return undefined;
  return {
    args: values.map((value) => (Array.isArray(value) ? value.map(toArgument) : toArgument(value))),
    argTypes: values.map((value) =>
      Array.isArray(value)
        ? { arity: 'list', scalarType: scalarTypeOf(value[0]) }
        : { arity: 'scalar', scalarType: scalarTypeOf(value) },
    ),
  };
}

function isPlain(value: unknown): boolean {
  if (typeof value === 'number') return Number.isFinite(value);
  if (value instanceof Date) return !Number.isNaN(value.getTime());
  return value === null || ['string', 'boolean', 'bigint'].includes(typeof value);
}

function toArgument(value: unknown): unknown {
  if (typeof value === 'bigint') return value.toString();
  return value instanceof Date ? value.toJSON() : value;
}

function scalarTypeOf(value: unknown): ArgType['scalarType'] {
  if (typeof value === 'string') return 'string';
  if (typeof value === 'number') return 'decimal';
  if (typeof value === 'bigint') return 'bigint';
  return value instanceof Date ? 'datetime' : 'unknown';
}

/** Rows as `$queryRaw` of Prisma's client gives them: `bigint`, `Decimal`, `Date`, `Uint8Array`, parsed JSON. */
export function rawRows({ columnNames, columnTypes, rows }: SqlResultSet): Record<string, unknown>[] {
  const readers = columnTypes.map(readerOf);
  return rows.map((row) => {
    const object: Record<string, unknown> = {};
    for (const [index, name] of columnNames.entries()) object[name] = read(readers[index], row[index]);
    return object;
  });
}

type Reader = (value: never) => unknown;

/** Types that the driver's own value isn't yet right for. */
const readers: Partial<Record<ColumnType, Reader>> = {
  [ColumnTypeEnum.Int32]: (value: number | string) => Math.trunc(Number(value)),
  [ColumnTypeEnum.Int64]: (value: string | number) => BigInt(value),
  [ColumnTypeEnum.Numeric]: (value: string) => new Decimal(value),
  [ColumnTypeEnum.Json]: (value: string) => JSON.parse(value),
  [ColumnTypeEnum.Bytes]: (value: string) => new Uint8Array(Buffer.from(value, 'base64')),
  [ColumnTypeEnum.DateTime]: (value: string) => new Date(value),
  [ColumnTypeEnum.Date]: (value: string) => new Date(value),
  [ColumnTypeEnum.Time]: (value: string) => new Date(`1970-01-01T${value}Z`),
};

/** The type of an array is that of its elements plus this. */
const arrays = ColumnTypeEnum.Int32Array;

function readerOf(type: ColumnType): Reader | undefined {
  if (type < arrays || type === ColumnTypeEnum.UnknownNumber) return readers[type];
  const element = readers[(type - arrays) as ColumnType];
  return element && ((values: unknown[]) => values.map((value) => read(element, value)));
}

function read(reader: Reader | undefined, value: unknown): unknown {
  return value === null || !reader ? value : reader(value as never);
}
