import { describe, expect, it } from '@jest/globals';
import {
  AppError,
  closed,
  defineContract,
  errorDefinition,
  errorsOf,
  Id,
  kitErrors,
} from '@warren/contracts';
import { checkDomainEvent, compileReader, compileWriter } from '@warren/contracts/validation';
import { Type } from 'typebox';

const user = {
  id: '0198d5f0-0000-7000-8000-000000000001',
  displayName: 'Ada',
};

describe('writers are closed, readers are open', () => {
  const schema = Type.Object(
    {
      id: Id,
      displayName: Type.String(),
      home: Type.Optional(Type.Object({ city: Type.String() }, closed)),
    },
    closed,
  );

  it('refuses an unknown field on the way out, with a pointer to it', () => {
    const check = compileWriter(schema)({ ...user, passwordHash: 'x' });
    expect(check).toEqual({
      ok: false,
      errors: [{ pointer: '/passwordHash', code: 'additionalProperties' }],
    });
  });

  it('lets an unknown field in, as a newer producer may send it', () => {
    expect(compileReader(schema)({ ...user, pronouns: 'she' }).ok).toBe(true);
  });

  it('still refuses what a reader needs and does not get', () => {
    const { displayName: _, ...rest } = user;
    expect(compileReader(schema)(rest)).toEqual({
      ok: false,
      errors: [{ pointer: '/displayName', code: 'required' }],
    });
  });

  it('opens nested objects too', () => {
    const home = { city: 'London', street: 'St James’s Square' };
    expect(compileReader(schema)({ ...user, home }).ok).toBe(true);
    expect(compileWriter(schema)({ ...user, home }).ok).toBe(false);
  });
});

describe('checkDomainEvent', () => {
  it.each([null, 7, 'text', [], {}])('answers %j with errors instead of throwing', (value) => {
    expect(checkDomainEvent(value).ok).toBe(false);
  });

  it.each(['\u0000', 'a\u0000b', 'ü', 'a b', '', 'x'.repeat(256), {}])(
    'refuses the id %j, which not every database and log takes',
    (id) => {
      const fits = {
        specversion: '1.0',
        id: 'an-id',
        source: '/services/user',
        type: 'user.updated',
        subject: 'a-user',
        time: '2026-01-01T00:00:00.000Z',
        correlationid: 'chain',
        entityversion: 1,
        data: {},
      };
      expect(checkDomainEvent(fits).ok).toBe(true);
      expect(checkDomainEvent({ ...fits, id }).ok).toBe(false);
      expect(checkDomainEvent({ ...fits, replayid: id }).ok).toBe(false);
    },
  );
});

describe('errors', () => {
  it('an unknown error becomes internal and keeps its cause to itself', () => {
    const error = AppError.from(new Error('password=secret'));
    expect(error.code).toBe('internal');
    expect(JSON.stringify([error.toWire(), error.toProblem()])).not.toContain('secret');
    expect((error.cause as Error).message).toBe('password=secret');
  });

  it('every code has a status that fits an HTTP error', () => {
    for (const [code, { status }] of Object.entries(kitErrors)) {
      expect({ code, fits: status >= 400 && status < 600 }).toEqual({ code, fits: true });
    }
  });

  const shopErrors = {
    'sold-out': { status: 409, temporary: true, title: 'Nothing is left' },
  };

  it('an error of a service carries the status, title and temporary of its own definition', () => {
    const error = errorsOf(shopErrors)('sold-out', { detail: 'no apples' });
    expect(error.toProblem()).toEqual({
      type: 'urn:warren:problem:sold-out',
      title: 'Nothing is left',
      status: 409,
      code: 'sold-out',
      temporary: true,
      detail: 'no apples',
    });
    expect(error.toWire()).toEqual({ code: 'sold-out', message: 'no apples', temporary: true });
  });

  it('finds the definition of a code of the kit and of the service, and of no other', () => {
    expect(errorDefinition('not-found', shopErrors)?.status).toBe(404);
    expect(errorDefinition('sold-out', shopErrors)?.status).toBe(409);
    expect(errorDefinition('sold-out')).toBeUndefined();
    expect(errorDefinition('constructor', shopErrors)).toBeUndefined();
  });

  it.each([
    ['not-found', 'The kit has the error code not-found already; shop needs another one'],
    ['SoldOut', 'The error code SoldOut of shop is not in kebab case'],
  ])('refuses a contract with the error code %s', (code, message) => {
    const errors = { [code]: { status: 409, temporary: false, title: 'No' } };
    const contract = { service: 'shop', emits: {}, commands: {}, feed: {}, errors };
    expect(() => defineContract(contract)).toThrow(message);
  });
});
