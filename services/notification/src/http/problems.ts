import { type ErrorCode, errorCodes } from '@warren/contracts';
import { Type } from 'typebox';

/** What any route behind a token may answer beside its own. */
const general = [
  'invalid-request',
  'unauthenticated',
  'token-expired',
  'session-revoked',
  'internal',
  'service-unavailable',
] as const;

/** For routes that write. */
export const writing = ['service-overloaded'] as const;

/** For routes that take a body. */
export const reading = ['payload-too-large', 'unsupported-media-type'] as const;

/** The problems (RFC 9457) of a route, for its documentation: beside what any route answers, these codes. */
export function problems(...codes: readonly ErrorCode[]): Record<never, never> {
  const byStatus = new Map<number, ErrorCode[]>();
  for (const code of [...general, ...codes]) {
    const { status } = errorCodes[code];
    byStatus.set(status, [...(byStatus.get(status) ?? []), code]);
  }
  return Object.fromEntries([...byStatus].map(([status, each]) => [status, problem(each)]));
}

function problem(codes: readonly ErrorCode[]) {
  const schema = Type.Object({
    type: Type.String(),
    title: Type.String(),
    status: Type.Integer(),
    code: Type.String({ description: `Open for readers. Here one of: ${codes.join(', ')}` }),
    temporary: Type.Boolean(),
    detail: Type.Optional(Type.String()),
    errors: Type.Optional(Type.Array(Type.Object({ pointer: Type.String(), code: Type.String() }))),
  });
  const description = codes.map((code) => errorCodes[code].title).join('; ');
  return { description, content: { 'application/problem+json': { schema } } };
}
