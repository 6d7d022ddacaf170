import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import {
  type ErrorCodeOf,
  type ErrorDefinition,
  type ErrorDefinitions,
  errorDefinition,
  type KitErrorCode,
  kitErrors,
  type ServiceContract,
} from '@warren/contracts';
import type { FastifyContextConfig, FastifyInstance, FastifySchema, RouteOptions } from 'fastify';
import { Type } from 'typebox';
import { problemType } from './problems.js';

/**
 * Serves OpenAPI 3.1 made from the schemas of the routes: at `/openapi.json`, and as a page at `/docs`. Must be called
 * before the routes are added.
 */
export async function useDocumentation(http: FastifyInstance, contract: ServiceContract): Promise<void> {
  await http.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: `Warren ${contract.service} service`, version: '1' },
      components: {
        securitySchemes: { accessToken: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' } },
      },
    },
    transform: ({ schema, url, route }) => ({ schema: documented(schema, route, contract), url }),
  });
  await http.register(swaggerUi, {
    routePrefix: '/docs',
    staticCSP: true,
    // With this directive the page stays blank over plain HTTP.
    transformStaticCSP: (policy) => policy.replace(/upgrade-insecure-requests;?/, '').trim(),
  });
  http.get('/openapi.json', { schema: { hide: true } }, async () => http.swagger());
}

function documented(
  schema: FastifySchema | undefined,
  { config, method }: RouteOptions,
  { errors }: ServiceContract,
): FastifySchema {
  const writes = ![method].flat().includes('GET');
  const response = documentedResponses({ schema, config, writes }, errors);
  return { ...schema, response, ...(config?.auth !== 'none' && { security: [{ accessToken: [] }] }) };
}

const definitionsKey = 'x-codes';

interface ProblemResponse {
  description: string;
  content: Record<string, { schema: unknown }>;
  [definitionsKey]: ErrorDefinitions;
}

/**
 * The problems (RFC 9457) that a route may answer, by status, for `response` of its schema. `codes` are codes of the kit or
 * of the contract. The kit adds the codes that every route of this kind may answer (`generalCodes`).
 *
 * Throws `TypeError` for an unknown code.
 */
export function problems<const C extends ServiceContract>(
  contract: C,
  ...codes: readonly ErrorCodeOf<C>[]
): Record<number, ProblemResponse> {
  return byStatus(definitionsOf(codes, contract.errors));
}

/** The documented responses of a route: its own and the general ones. `errors` are the codes of the service. */
function documentedResponses(
  route: {
    schema: FastifySchema | undefined;
    config: FastifyContextConfig | undefined;
    writes: boolean;
  },
  errors: ErrorDefinitions = {},
): Record<string, unknown> {
  const responses = (route.schema?.response ?? {}) as Record<string, unknown>;
  const own = Object.values(responses).filter(isProblem);
  const definitions = Object.assign(
    definitionsOf(generalCodes(route)),
    ...own.map((response) => response[definitionsKey]),
  );
  return {
    ...responses,
    ...byStatus(definitions),
    default: problemResponse({ ...kitErrors, ...errors }, 'Any other problem (RFC 9457)'),
  };
}

function generalCodes({ schema, config, writes }: Parameters<typeof documentedResponses>[0]): KitErrorCode[] {
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

function definitionsOf(codes: readonly string[], errors?: ErrorDefinitions): Record<string, ErrorDefinition> {
  return Object.fromEntries(
    codes.map((code) => {
      const definition = errorDefinition(code, errors);
      if (!definition) throw new TypeError(`${code} is an error code of neither the kit nor this contract`);
      return [code, definition];
    }),
  );
}

function byStatus(definitions: ErrorDefinitions): Record<number, ProblemResponse> {
  const groups = new Map<number, Record<string, ErrorDefinition>>();
  for (const [code, definition] of Object.entries(definitions)) {
    const group = groups.get(definition.status) ?? {};
    groups.set(definition.status, { ...group, [code]: definition });
  }
  return Object.fromEntries([...groups].map(([status, group]) => [status, problemResponse(group)]));
}

function problemResponse(definitions: ErrorDefinitions, description?: string): ProblemResponse {
  const codes = Object.keys(definitions);
  const titles = Object.entries(definitions).map(([code, { title }]) => `\`${code}\`: ${title}`);
  const schema = Type.Object({
    type: Type.String(),
    title: Type.String(),
    status: Type.Integer(),
    code: Type.String({ description: `Open for readers. Here one of: ${codes.join(', ')}` }),
    temporary: Type.Boolean({ description: 'Whether the same request may succeed later' }),
    detail: Type.Optional(Type.String()),
    errors: Type.Optional(Type.Array(Type.Object({ pointer: Type.String(), code: Type.String() }))),
  });
  return {
    description: description ?? titles.join('; '),
    content: { [problemType]: { schema } },
    [definitionsKey]: definitions,
  };
}

function isProblem(response: unknown): response is ProblemResponse {
  return typeof response === 'object' && response !== null && definitionsKey in response;
}
