import { describe, expect, it } from '@jest/globals';
import { AppError, errorCodes, Notification, userContract } from '@warren/contracts';
import { checkDomainEvent, compileReader, compileWriter } from '@warren/contracts/validation';

const user = {
  id: '0198d5f0-0000-7000-8000-000000000001',
  email: 'ada@example.org',
  emailVerified: false,
  displayName: 'Ada',
  locale: 'en',
  timeZone: 'UTC',
  version: 1,
  createdAt: '2026-01-01T00:00:00.000Z',
};

describe('writers are closed, readers are open', () => {
  const schema = userContract.emits['user.registered'];

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
    const notification = {
      id: user.id,
      kind: 'new-kind',
      title: '',
      body: '',
      data: {},
      createdAt: user.createdAt,
      version: 1,
    };
    expect(compileReader(Notification)({ ...notification, extra: { deep: true } }).ok).toBe(true);
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
    for (const [code, { status }] of Object.entries(errorCodes)) {
      expect({ code, fits: status >= 400 && status < 600 }).toEqual({ code, fits: true });
    }
  });
});
