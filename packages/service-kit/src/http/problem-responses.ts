import { type ErrorCode, errorCodes } from '@warren/contracts';
import type { FastifyContextConfig, FastifySchema } from 'fastify';
import { Type } from 'typebox';
import { problemType } from './problems.js';

const codesKey = 'x-codes';

interface ProblemResponse {
  description: string;
  content: Record<string, { schema: unknown }>;
  [codesKey]: readonly ErrorCode[];
}

/**
 * The refusals (RFC 9457) that are a route's own, by status, for its schema's `response`. What any route of its kind
 * may answer is added by the kit: see `generalCodes`.
 */
export function problems(...codes: readonly ErrorCode[]): Record<number, ProblemResponse> {
  const byStatus = new Map<number, ErrorCode[]>();
  for (const code of new Set(codes)) {
    const { status } = errorCodes[code];
    byStatus.set(status, [...(byStatus.get(status) ?? []), code]);
  }
  return Object.fromEntries([...byStatus].map(([status, some]) => [status, problemResponse(some)]));
}

/** A route's responses as they are documented: its own, and those that follow from what it asks for. */
export function documentedResponses(route: {
  schema: FastifySchema | undefined;
  config: FastifyContextConfig | undefined;
  writes: boolean;
}): Record<string, unknown> {
  const own = (route.schema?.response ?? {}) as Record<string, unknown>;
  const codes = Object.values(own).flatMap((response) =>
    isProblem(response) ? response[codesKey] : ([] as readonly ErrorCode[]),
  );
  return {
    ...own,
    ...problems(...generalCodes(route), ...codes),
    default: problemResponse(Object.keys(errorCodes) as ErrorCode[], 'Any other problem (RFC 9457)'),
  };
}

function generalCodes({ schema, config, writes }: Parameters<typeof documentedResponses>[0]): ErrorCode[] {
  const takes = schema?.body ?? schema?.params ?? schema?.querystring ?? schema?.headers;
  return [
    ...(takes ? (['invalid-request'] as const) : []),
    ...(config?.auth === 'none' ? [] : (['unauthenticated', 'token-expired', 'session-revoked'] as const)),
    ...(schema?.body ? (['payload-too-large', 'unsupported-media-type'] as const) : []),
    ...(config?.unlimited ? [] : (['rate-limited'] as const)),
    ...(writes ? (['service-overloaded'] as const) : []),
    'service-unavailable',
  ];
}

function problemResponse(
  codes: readonly ErrorCode[],
  description = codes.map((code) => `\`${code}\`: ${errorCodes[code].title}`).join('; '),
): ProblemResponse {
  const schema = Type.Object({
    type: Type.String(),
    title: Type.String(),
    status: Type.Integer(),
    code: Type.String({ description: `Open for readers. Here one of: ${codes.join(', ')}` }),
    temporary: Type.Boolean({ description: 'Whether the same request may succeed later' }),
    detail: Type.Optional(Type.String()),
    errors: Type.Optional(Type.Array(Type.Object({ pointer: Type.String(), code: Type.String() }))),
  });
  return { description, content: { [problemType]: { schema } }, [codesKey]: codes };
}

function isProblem(response: unknown): response is ProblemResponse {
  return typeof response === 'object' && response !== null && codesKey in response;
}
