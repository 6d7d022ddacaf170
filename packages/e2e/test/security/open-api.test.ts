import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Validator } from '@seriousme/openapi-schema-validator';
import { type FaultProxy, faultProxy } from '@warren/testing';
import { SeparateSystem, type ServiceName, services } from '../support/system.js';
import { MailedTokens } from './support/mailed-tokens.js';
import { type Route, routesOf } from './support/open-api.js';
import { ownersRequest, type Probe, type ProbeContext, probes } from './support/probes.js';
import { Scene } from './support/scene.js';

/** Bytes, above what any route takes. */
const tooLarge = 600 * 1024;
/** Sign-ins a minute of one address, the highest limit that a route has here; and a request more. */
const signIns = 1_000;
/** What one person may ask of one service, at most; more than all questions before the last ones. */
const requests = 400;
/** Requests that are sent together may be served one after the other all the same: then they are sent anew. */
const mostBursts = 10;
/** From where requests come that are to be too many, so that all others are not. */
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
      const way = new URL(url);
      const proxy = await faultProxy({ host: way.hostname, port: Number(way.port || 5432) });
      databases.push(proxy);
      way.hostname = '127.0.0.1';
      way.port = String(proxy.port);
      return way.href;
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

  it.each(services)('of %s is valid OpenAPI 3.1, says an independent validator', async (service) => {
    const document = await (await fetch(`${url(service)}/openapi.json`)).json();
    const validator = new Validator();
    const { valid, errors } = await validator.validate(document as Record<string, unknown>);
    expect(errors ?? []).toEqual([]);
    expect(valid).toBe(true);
    expect(validator.version).toBe('3.1');
  });

  it.each(services)(
    'of %s document no status that cannot come, each shown once',
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
            const came = await produce(service, route, status, context);
            if (came !== status) missing.push(`${route.name}: ${status}, but ${came} came`);
          };
          // Limits that were reached stay so for a while.
          if (status === 429) last.push(show);
          else if (status !== 503) await show();
        }
      }
      for (const show of last) await show();
      expect(missing).toEqual([]);
    },
    300_000,
  );

  it('document that any route is unavailable while its database is away', async () => {
    const asked: { service: ServiceName; route: Route; request: Probe }[] = [];
    for (const service of services) {
      for (const route of await routesOf(url(service))) {
        if (!statusesOf(route).includes(503) || usesNoDatabase(route)) continue;
        // One that is no token is refused without a look at the database.
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
    const ask = async () => (probe ? probe(context) : general(service, route, status));
    const request = await ask();
    let came = 0;
    if (request.together) {
      for (let burst = 0; burst < mostBursts && came !== status; burst += 1)
        came = await sendTogether(service, route, status, burst ? await ask() : request);
      return came;
    }
    for (let time = 0; time < (request.times ?? 1) && came !== status; time += 1)
      came = await send(service, route, request);
    return came;
  }

  /** Answers the status that is wanted if it comes to any of them. */
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

  /** What brings a status from any route of its kind. */
  async function general(service: ServiceName, route: Route, status: number): Promise<Probe> {
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

  /** Somebody who asks too much, so that all others do not. */
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

/** Their answers are in memory. */
function usesNoDatabase({ name }: Route): boolean {
  return ['GET /.well-known/jwks.json', 'GET /push-subscriptions/key'].includes(name);
}
