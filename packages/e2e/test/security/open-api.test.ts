import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Validator } from '@seriousme/openapi-schema-validator';
import { type FaultProxy, faultProxy } from '@warren/testing';
import { SeparateSystem, type ServiceName, services } from '../support/system.js';
import { MailedTokens } from './support/mailed-tokens.js';
import { type Route, routesOf } from './support/open-api.js';
import { ownersRequest, type Probe, type ProbeContext, probes } from './support/probes.js';
import { Scene } from './support/scene.js';

/** In bytes; more than any route accepts. */
const tooLarge = 600 * 1024;
/** Sign-ins per minute and address: the highest rate limit of any route here. */
const signIns = 1_000;
/** Requests per minute and person. All requests before the ones that exceed a limit stay below it. */
const requests = 400;
/** Requests that are sent together may still be served one after the other: then they are sent again. */
const maxBursts = 10;
/** The address of the requests that exceed a limit, so that all others don't. */
const crowdedAddress = '203.0.113.9';

describe('the OpenAPI documents', () => {
  let system: SeparateSystem;
  let scene: Scene;
  let mailed: MailedTokens;
  let crowding: ReturnType<Scene['newcomer']> | undefined;
  const databases: FaultProxy[] = [];

  beforeAll(async () => {
    const more = {
      SIGN_INS_PER_MINUTE: `${signIns}`,
      REGISTRATIONS_PER_MINUTE: `${signIns}`,
      REQUESTS_PER_MINUTE: `${requests}`,
      SANDBOX_SLOW_MS: '500',
      TRUST_PROXY: 'on',
    };
    system = await SeparateSystem.start(1, more, async (url) => {
      const database = new URL(url);
      const proxy = await faultProxy({ host: database.hostname, port: Number(database.port || 5432) });
      databases.push(proxy);
      database.hostname = '127.0.0.1';
      database.port = String(proxy.port);
      return database.href;
    });
    mailed = await MailedTokens.listen(system.broker('user'));
    scene = await Scene.set(system);
  }, 120_000);
  afterAll(async () => {
    await mailed?.close();
    await system?.close();
    await Promise.all(databases.map((proxy) => proxy.close()));
  }, 60_000);

  const url = (service: ServiceName) => system.urls(service)[0] as string;

  it.each(services)('of %s is valid OpenAPI 3.1 according to an independent validator', async (service) => {
    const document = await (await fetch(`${url(service)}/openapi.json`)).json();
    const validator = new Validator();
    const { valid, errors } = await validator.validate(document as Record<string, unknown>);
    expect(errors ?? []).toEqual([]);
    expect(valid).toBe(true);
    expect(validator.version).toBe('3.1');
  });

  it.each(services)(
    'of %s document only statuses that a request can produce',
    async (service) => {
      const context: ProbeContext = {
        scene,
        mailedToken: (type, email) => mailed.token(type, email),
        database: (of) => system.database(of),
      };
      const missing: string[] = [];
      const last: (() => Promise<void>)[] = [];
      for (const route of await routesOf(url(service))) {
        for (const status of statusesOf(route)) {
          const show = async () => {
            const actual = await produce(service, route, status, context);
            if (actual !== status) missing.push(`${route.name}: ${status}, but got ${actual}`);
          };
          // Last, because a limit that was reached applies for a while.
          if (status === 429) last.push(show);
          else if (status !== 503) await show();
        }
      }
      for (const show of last) await show();
      expect(missing).toEqual([]);
    },
    300_000,
  );

  it('document status 503, which each route answers while its database is away', async () => {
    const asked: { service: ServiceName; route: Route; request: Probe }[] = [];
    for (const service of services) {
      for (const route of await routesOf(url(service))) {
        if (!statusesOf(route).includes(503) || usesNoDatabase(route)) continue;
        // An invalid token would be refused without a query.
        const refresh = route.name === 'POST /sessions/refresh' && { body: await scene.refreshable() };
        const request = { ...(await ownersRequest(service, route.name, scene)), ...refresh };
        asked.push({ service, route, request });
      }
    }
    for (const proxy of databases) proxy.refuse();
    const other: string[] = [];
    for (const { service, route, request } of asked) {
      const status = await send(service, route, request);
      if (status !== 503 && status !== 429) other.push(`${service} ${route.name}: ${status}`);
    }
    for (const proxy of databases) proxy.resume();
    expect(other).toEqual([]);
  }, 120_000);

  async function produce(
    service: ServiceName,
    route: Route,
    status: number,
    context: ProbeContext,
  ): Promise<number> {
    const probe = probes[service][route.name]?.[status];
    const ask = async () => (probe ? probe(context) : generalProbe(service, route, status));
    const request = await ask();
    let actual = 0;
    if (request.together) {
      for (let burst = 0; burst < maxBursts && actual !== status; burst += 1)
        actual = await sendTogether(service, route, status, burst ? await ask() : request);
      return actual;
    }
    for (let time = 0; time < (request.times ?? 1) && actual !== status; time += 1)
      actual = await send(service, route, request);
    return actual;
  }

  /** Returns the expected status if any of the requests gets it. */
  async function sendTogether(
    service: ServiceName,
    route: Route,
    status: number,
    request: Probe,
  ): Promise<number> {
    const all = await Promise.all(
      Array.from({ length: request.together ?? 1 }, () => send(service, route, request)),
    );
    return all.find((each) => each === status) ?? all[0] ?? 0;
  }

  /** A request that produces a status on routes without a probe of their own. */
  async function generalProbe(service: ServiceName, route: Route, status: number): Promise<Probe> {
    const good = await ownersRequest(service, route.name, scene);
    switch (status) {
      case 400:
        return { ...good, ...wrong(route) };
      case 401:
        return { ...good, as: undefined };
      case 413:
        return { ...good, raw: JSON.stringify({ text: 'x'.repeat(tooLarge) }) };
      case 415:
        return { ...good, raw: 'text', contentType: 'text/plain' };
      case 429:
        return {
          ...good,
          ...wrong(route),
          times: signIns + 1,
          from: crowdedAddress,
          ...(good.as && { as: await crowd() }),
        };
      default:
        return good;
    }
  }

  /** The person whose requests exceed a limit, so that all others' don't. */
  async function crowd(): Promise<Probe['as']> {
    crowding ??= scene.newcomer();
    return await crowding;
  }

  function wrong({ path, operation }: Route): Probe {
    if (operation.requestBody) return { raw: '{"none of these":1}' };
    if (path.includes('{')) return { path: path.replace(/\{\w+\}/, '!') };
    return { path: `${path}?limit=none` };
  }

  async function send(
    service: ServiceName,
    { method, path: template, operation }: Route,
    { path = template, as, body, key, raw, contentType = 'application/json', from }: Probe,
  ): Promise<number> {
    const content = raw ?? (body === undefined ? undefined : JSON.stringify(body));
    const takesKey = operation.parameters?.some((each) => each.name.toLowerCase() === 'idempotency-key');
    const response = await fetch(`${url(service)}${path}`, {
      method,
      headers: {
        ...(as && { authorization: `Bearer ${as.token}` }),
        ...(from && { 'x-forwarded-for': from }),
        ...(takesKey && { 'idempotency-key': key ?? randomUUID() }),
        ...(content !== undefined && { 'content-type': contentType }),
      },
      ...(content !== undefined && { body: content }),
    });
    await response.arrayBuffer();
    return response.status;
  }
});

function statusesOf({ operation }: Route): number[] {
  return Object.keys(operation.responses).map(Number).filter(Number.isInteger);
}

/** These routes answer from memory. */
function usesNoDatabase({ name }: Route): boolean {
  return ['GET /.well-known/jwks.json', 'GET /push-subscriptions/key'].includes(name);
}
