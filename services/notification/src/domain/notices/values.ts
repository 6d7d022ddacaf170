import type { NoticeDefinition, ValueType } from '@warren/notification-contract';
import { validate as isUuid } from 'uuid';
import type { NoticeKind } from './kind.js';

/** The values of a notice by name, as they came and not as a reader sees them. */
export type NoticeValues = Readonly<Record<string, string | number | boolean>>;

const mostMoney = 999_999_999_999;

/** The names of values that are missing or not of their type. */
export function unfitValues({ values: types }: NoticeDefinition, values: NoticeValues): string[] {
  return Object.entries(types).flatMap(([name, type]) => {
    const fits =
      Object.hasOwn(values, name) &&
      isOfType(type, values[name]) &&
      (typeof type !== 'object' || isCurrency(values[type.money]));
    return fits ? [] : [name];
  });
}

/** The values that the kind names. A newer producer may send more. */
export function onlyNamed({ values: types }: NoticeDefinition, values: NoticeValues): NoticeValues {
  return Object.fromEntries(Object.entries(values).filter(([name]) => Object.hasOwn(types, name)));
}

/** The ids of the people that a notice of this kind names. */
export function peopleNamed({ values: types }: NoticeKind, values: NoticeValues): string[] {
  return Object.entries(types).flatMap(([name, type]) => {
    const value = values[name];
    return type === 'person' && isId(value) ? [value] : [];
  });
}

function isOfType(type: ValueType, value: unknown): boolean {
  if (typeof type === 'object') return isInteger(value) && value <= mostMoney;
  switch (type) {
    case 'text':
      return typeof value === 'string';
    case 'code':
      return typeof value === 'string' && /^[a-z0-9]+(-[a-z0-9]+)*$/.test(value);
    case 'id':
    case 'person':
      return isId(value);
    case 'time':
      return typeof value === 'string' && rfc3339.test(value) && !Number.isNaN(Date.parse(value));
    case 'count':
      return isInteger(value);
  }
}

const rfc3339 = /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$/;
const isId = (value: unknown): value is string =>
  typeof value === 'string' && isUuid(value) && value === value.toLowerCase();
const isInteger = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) >= 0;
const isCurrency = (value: unknown) => typeof value === 'string' && /^[A-Z]{3}$/.test(value);
