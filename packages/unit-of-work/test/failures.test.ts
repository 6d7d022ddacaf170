import { describe, expect, it } from '@jest/globals';
import { isInfrastructure, isRerunnable, LostRace, mayBeInfrastructure } from '../src/failures.js';

const withCode = (code: string, more: object = {}) => Object.assign(new Error('made up'), { code, ...more });
const adapterError = (cause: object) =>
  Object.assign(new Error('made up'), { name: 'DriverAdapterError', cause });

describe('a failure of the database', () => {
  it.each<[string, unknown]>([
    ['pg', withCode('40P01')],
    ["Prisma's model query", withCode('P2034', { meta: {} })],
    [
      "Prisma's raw query",
      withCode('P2010', { meta: { driverAdapterError: adapterError({ originalCode: '40001' }) } }),
    ],
    ["Prisma's commit", adapterError({ kind: 'TransactionWriteConflict' })],
    ['an error around it', new Error('handler failed', { cause: withCode('40001') })],
    ['the kit', new LostRace('meanwhile')],
  ])('can be rerun if it is a deadlock or serialization failure from %s', (_source, error) => {
    expect(isRerunnable(error)).toBe(true);
    expect(isInfrastructure(error)).toBe(false);
  });

  it.each<[string, unknown]>([
    ['a shutdown', withCode('57P01')],
    ['too many connections', withCode('53300')],
    ['a lost connection', new Error('Connection terminated unexpectedly')],
    ['an exhausted pool', new Error('timeout exceeded when trying to connect')],
    [
      'a transaction that could not start',
      withCode('P2028', {
        message: 'Transaction API error: Unable to start a transaction in the given time.',
      }),
    ],
    ["Prisma's closed connection", withCode('P1017')],
    ['a password that is no longer right', withCode('28P01')],
    ['a database that is gone', adapterError({ kind: 'DatabaseDoesNotExist', originalCode: '3D000' })],
    [
      'a closed connection in a raw query',
      withCode('P2010', { meta: { driverAdapterError: adapterError({ kind: 'ConnectionClosed' }) } }),
    ],
  ])('is a failure of the infrastructure: %s', (_what, error) => {
    expect(isInfrastructure(error)).toBe(true);
    expect(isRerunnable(error)).toBe(false);
  });

  it.each<[string, unknown]>([
    ['a unique violation', withCode('23505')],
    ['no error at all', undefined],
    ['a text', '57P01'],
  ])('is neither infrastructure nor rerunnable: %s', (_what, error) => {
    expect([isInfrastructure(error), isRerunnable(error), mayBeInfrastructure(error)]).toEqual([
      false,
      false,
      false,
    ]);
  });

  it.each<[string, unknown]>([
    ['a statement', withCode('57014')],
    [
      'a transaction',
      withCode('P2028', {
        message: 'Transaction API error: A query cannot be executed on an expired transaction.',
      }),
    ],
  ])('may be infrastructure if %s took too long', (_what, error) => {
    expect([isInfrastructure(error), mayBeInfrastructure(error)]).toEqual([false, true]);
  });

  it('may be infrastructure if a socket failed, and ends on causes that form a circle', () => {
    const circle = withCode('ECONNRESET');
    circle.cause = circle;
    expect(isInfrastructure(circle)).toBe(false);
    expect(mayBeInfrastructure(circle)).toBe(true);
  });
});
