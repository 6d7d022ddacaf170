import { Type } from 'typebox';

/** Objects that Warren writes hold exactly what their schema names. */
export const closed = { additionalProperties: false } as const;

/** Only as PostgreSQL writes it, lower case and no `urn:uuid:`: the same id is always the same string. */
export const Id = Type.String({ format: 'uuid', pattern: '^[0-9a-f-]{36}$' });
export const Time = Type.String({ format: 'date-time' });
export const Version = Type.Integer({ minimum: 1 });
/** Opaque; see docs/protocol.md. */
export const Cursor = Type.String({ minLength: 1, maxLength: 200 });
export const Currency = Type.String({ pattern: '^[A-Z]{3}$' });
/** An integer in the currency's minor unit. */
export const Amount = Type.Integer({ minimum: 1, maximum: 999_999_999_999 });
export const Empty = Type.Object({}, closed);
