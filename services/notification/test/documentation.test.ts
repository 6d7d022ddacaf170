import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startTimeout, World } from './support/service.js';

interface Operation {
  summary?: string;
  responses: Record<string, unknown>;
}

let world: World;
let operations: [string, Operation][];
beforeAll(async () => {
  world = await World.create();
  const { paths } = (await (await fetch(`${world.service.url}/openapi.json`)).json()) as {
    paths: Record<string, Record<string, Operation>>;
  };
  operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]): [string, Operation] => [
      `${method} ${path}`,
      operation,
    ]),
  );
}, startTimeout);
afterAll(() => world.close());

describe('/openapi.json', () => {
  it('lists every route', () => {
    const one = ['archive', 'mark-read', 'mark-unread', 'unarchive'].map(
      (name) => `post /notifications/{id}/${name}`,
    );
    expect(operations.map(([name]) => name).sort()).toEqual(
      [
        'delete /push-subscriptions',
        'get /notifications',
        'get /notifications/counts',
        'get /preferences',
        'delete /push-subscriptions/{id}',
        'get /push-subscriptions',
        'get /push-subscriptions/key',
        'post /notifications/mark-all-read',
        'post /notifications/mark-all-seen',
        'post /push-subscriptions',
        'put /preferences',
        ...one,
      ].sort(),
    );
  });

  it('describes each route and its answers', () => {
    for (const [, { summary, responses }] of operations) {
      expect(summary).toMatch(/^[A-Z].+/);
      const statuses = Object.keys(responses);
      expect(statuses.filter((status) => /^2/.test(status))).toHaveLength(1);
      expect(statuses).toEqual(expect.arrayContaining(['401', '503', 'default']));
    }
  });

  it('lists the answers of a single route', () => {
    const statuses = (name: string) => Object.keys(Object.fromEntries(operations)[name]?.responses ?? {});
    expect(statuses('post /notifications/{id}/archive')).toContain('404');
    expect(statuses('put /preferences')).toEqual(expect.arrayContaining(['413', '415', '422']));
    expect(statuses('post /push-subscriptions')).toEqual(expect.arrayContaining(['201', '403', '429']));
    expect(statuses('delete /push-subscriptions')).toContain('204');
  });

  it('limits how often one person may change something', () => {
    const changing = operations.filter(([name]) => !name.startsWith('get '));
    expect(changing.length).toBeGreaterThan(0);
    for (const [name, { responses }] of changing)
      expect([name, Object.keys(responses)]).toEqual([name, expect.arrayContaining(['429'])]);
  });
});
