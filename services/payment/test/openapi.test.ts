import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { stripeProvider } from '../src/providers/stripe/provider.js';
import { type Instance, startTimeout, World } from './support/service.js';
import { secretKey, webhookSecret } from './support/stripe/stand-in.js';

let world: World;
let service: Instance;
beforeAll(async () => {
  world = await World.create();
  const apiUrl = new URL('http://127.0.0.1:9');
  service = await world.start({ provider: stripeProvider({ secretKey, webhookSecret, apiUrl }) });
}, startTimeout);
afterAll(() => world.close());

interface Operation {
  summary?: string;
  responses: Record<string, unknown>;
  security?: unknown;
}

it('the OpenAPI document describes what each route does, what it answers and whether it needs a token', async () => {
  const response = await fetch(`${service.service.url}/openapi.json`);
  const { paths } = (await response.json()) as { paths: Record<string, Record<string, Operation>> };
  const routes = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({
      route: `${method.toUpperCase()} ${path}`,
      ...operation,
    })),
  );
  expect(routes.filter(({ summary }) => !summary)).toEqual([]);
  const described = routes.map(({ route, responses, security }) => [
    route,
    Object.keys(responses).join(' '),
    security === undefined ? 'anybody' : 'signed in',
  ]);
  expect(described).toEqual([
    ['POST /payments', '201 400 401 404 409 413 415 422 429 503 default', 'signed in'],
    ['GET /payments', '200 400 401 429 503 default', 'signed in'],
    ['GET /payments/{id}', '200 400 401 404 429 503 default', 'signed in'],
    ['POST /payments/{id}/confirm', '200 400 401 404 409 422 429 503 default', 'signed in'],
    ['POST /payments/{id}/cancel', '200 400 401 404 409 429 503 default', 'signed in'],
    ['POST /payments/{id}/refunds', '201 400 401 403 404 409 413 415 422 429 503 default', 'signed in'],
    ['GET /payments/{id}/refunds', '200 400 401 403 404 429 503 default', 'signed in'],
    ['GET /balance', '200 401 409 429 503 default', 'signed in'],
    ['POST /webhooks/stripe', '200 400 413 415 503 default', 'anybody'],
  ]);
});
