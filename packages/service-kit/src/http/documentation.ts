import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import type { ServiceContract } from '@warren/contracts';
import type { FastifyInstance, FastifySchema, RouteOptions } from 'fastify';
import { documentedResponses } from './problem-responses.js';

/** OpenAPI 3.1 from the routes' own schemas: `/openapi.json`, and to read at `/docs`. Register before the routes. */
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
    // Over plain HTTP there is nothing to upgrade to, and the page would stay blank.
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
