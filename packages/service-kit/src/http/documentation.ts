import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import { errorCodes } from '@warren/contracts';
import type { FastifyInstance, FastifySchema } from 'fastify';
import { Type } from 'typebox';
import { problemType } from './problems.js';

const problem = Type.Object({
  type: Type.String(),
  title: Type.String(),
  status: Type.Integer(),
  code: Type.String({ description: `Open for readers. Now one of: ${Object.keys(errorCodes).join(', ')}` }),
  temporary: Type.Boolean({ description: 'Whether the same request may succeed later' }),
  detail: Type.Optional(Type.String()),
  errors: Type.Optional(Type.Array(Type.Object({ pointer: Type.String(), code: Type.String() }))),
});

const anyProblem = {
  description: 'A problem (RFC 9457)',
  content: { [problemType]: { schema: problem } },
};

/** OpenAPI 3.1 from the routes' own schemas: `/openapi.json`, and to read at `/docs`. Register before the routes. */
export async function useDocumentation(http: FastifyInstance, service: string): Promise<void> {
  await http.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: `Warren ${service} service`, version: '1' },
      components: {
        securitySchemes: { accessToken: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' } },
      },
    },
    transform: ({ schema, url, route }) => ({ schema: documented(schema, route.config?.auth), url }),
  });
  await http.register(swaggerUi, { routePrefix: '/docs', staticCSP: true });
  http.get('/openapi.json', { schema: { hide: true } }, async () => http.swagger());
}

function documented(schema: FastifySchema | undefined, auth: 'none' | undefined): FastifySchema {
  const response = { ...(schema?.response as object | undefined), default: anyProblem };
  return { ...schema, response, ...(auth !== 'none' && { security: [{ accessToken: [] }] }) };
}
