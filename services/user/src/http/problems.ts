import { type ErrorCode, errorCodes } from '@warren/contracts';
import { Type } from 'typebox';

const Problem = Type.Object({
  type: Type.String(),
  title: Type.String(),
  status: Type.Integer(),
  code: Type.String(),
  temporary: Type.Boolean(),
  detail: Type.Optional(Type.String()),
  errors: Type.Optional(Type.Array(Type.Object({ pointer: Type.String(), code: Type.String() }))),
});

/** The refusals that a route may answer, by status: for its schema, and so for the OpenAPI document. */
export function problems(...codes: readonly ErrorCode[]): object {
  const statuses = new Set(codes.map(statusOf));
  return Object.fromEntries(
    [...statuses].map((status) => [status, problemOf(codes.filter((code) => statusOf(code) === status))]),
  );
}

function statusOf(code: ErrorCode): number {
  return errorCodes[code].status;
}

function problemOf(codes: readonly ErrorCode[]) {
  const description = codes.map((code) => `\`${code}\`: ${errorCodes[code].title}`).join('; ');
  return { description, content: { 'application/problem+json': { schema: Problem } } };
}

/** What every route that asks for an access token may answer. */
export const tokenProblems = ['unauthenticated', 'token-expired'] as const satisfies ErrorCode[];
