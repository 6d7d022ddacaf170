import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Running, runUserService } from './support/service.js';

interface Operation {
  summary?: string;
  deprecated?: boolean;
  responses: Record<string, { description: string }>;
  security?: unknown[];
}

describe('/openapi.json', () => {
  let running: Running;
  let operations: [route: string, operation: Operation][];
  beforeAll(async () => {
    running = await runUserService({ internal: true });
    const { body } = await running.call<{ paths: Record<string, Record<string, Operation>> }>(
      'GET',
      '/openapi.json',
    );
    operations = Object.entries(body.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]): [string, Operation] => [
        `${method.toUpperCase()} ${path}`,
        operation,
      ]),
    );
  });
  afterAll(() => running.close());

  const statuses = (route: string) => {
    const [, operation] = operations.find(([each]) => each === route) ?? [];
    return Object.keys(operation?.responses ?? {}).filter((status) => status !== 'default');
  };

  it('gives a summary and a success answer for every route', () => {
    const own = operations.filter(([route]) => !route.includes('/health'));
    expect(own.length).toBeGreaterThanOrEqual(18);
    for (const [route, { summary, responses }] of own) {
      expect([route, summary]).toEqual([route, expect.stringMatching(/./)]);
      expect([route, Object.keys(responses)]).toEqual([
        route,
        expect.arrayContaining([expect.stringMatching(/^2/)]),
      ]);
    }
  });

  it('lists the refusal of callers without a token for every route that needs one', () => {
    const asking = operations.filter(
      ([route, { security }]) => security && !/health|admin|\/internal/.test(route),
    );
    expect(asking.length).toBeGreaterThanOrEqual(9);
    for (const [route] of asking)
      expect([route, statuses(route)]).toEqual([route, expect.arrayContaining(['401'])]);
  });

  it('marks exactly the routes with a token in their path as deprecated', () => {
    const deprecated = operations.filter(([, operation]) => operation.deprecated).map(([route]) => route);
    expect(deprecated.sort()).toEqual(['POST /email-verifications/{token}', 'POST /password-resets/{token}']);
    expect(operations.map(([route]) => route).filter((route) => route.includes('{token}'))).toHaveLength(2);
  });

  it.each([
    ['POST /users', ['201', '400', '409', '413', '415', '429', '503']],
    ['POST /sessions', ['201', '400', '401', '413', '415', '429', '503']],
    ['DELETE /sessions/{id}', ['204', '400', '401', '404', '429', '503']],
    ['POST /password-resets', ['202', '400', '413', '415', '429', '503']],
    ['PUT /password-resets', ['202', '400', '413', '415', '422', '429', '503']],
    ['PUT /email-verifications', ['202', '400', '413', '415', '422', '429', '503']],
    ['POST /password-resets/{token}', ['202', '400', '413', '415', '422', '429', '503']],
    ['PUT /users/me/password', ['204', '400', '401', '413', '415', '429', '503']],
  ])('lists all answers of %s', (route, expected) => {
    expect(statuses(route)).toEqual(expected);
  });
});
