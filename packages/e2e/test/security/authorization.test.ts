import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Person } from '../support/person.js';
import { SocketLog } from '../support/socket-log.js';
import { SeparateSystem, type ServiceName, services } from '../support/system.js';
import {
  type Access,
  commands,
  internalRoutes,
  type Outcome,
  type Request,
  routes,
} from './support/access.js';
import { handshake } from './support/attacks.js';
import { contractOf, routesOf } from './support/open-api.js';
import { type Role, roles, Scene } from './support/scene.js';

const builtIn = ['feed.pull', 'session.refresh'];

describe('the table of access', () => {
  let system: SeparateSystem;
  let scene: Scene;
  beforeAll(async () => {
    system = await SeparateSystem.start(1, {
      HANDSHAKES_PER_MINUTE: '100000',
      REQUESTS_PER_MINUTE: '100000',
      SIGN_INS_PER_MINUTE: '100000',
      REGISTRATIONS_PER_MINUTE: '100000',
    });
    scene = await Scene.set(system);
  }, 120_000);
  afterAll(() => system?.close(), 60_000);

  const url = (service: ServiceName) => system.urls(service)[0] as string;

  it.each(services)('has an entry for each route and each command of %s, and no others', async (service) => {
    const known = (await routesOf(url(service))).map(({ name }) => name);
    expect(Object.keys(routes[service]).sort()).toEqual(known.sort());
    const { commands: stated } = await contractOf(url(service));
    const own = Object.keys(commands[service]).filter((name) => !builtIn.includes(name));
    expect(own.sort()).toEqual(Object.keys(stated).sort());
  });

  it.each(services)(
    'holds for each role and each route of %s',
    async (service) => {
      expect(await table(url(service), routes[service])).toEqual(expected(routes[service]));
    },
    240_000,
  );

  it.each(services)(
    'holds for each role on the internal listener of %s',
    async (service) => {
      const all = internalRoutes[service];
      expect(await table(system.internalUrl(service), all)).toEqual(expected(all));
    },
    60_000,
  );

  it.each(services)(
    'holds for each role and each command of %s',
    async (service) => {
      const all = Object.entries(commands[service]);
      const outcomes: Record<string, Partial<Record<Role, string>>> = {};
      for (const role of roles) {
        const person = await scene.as(role);
        const refused = await refusedHandshake(service, person);
        const log = refused ? undefined : await connected(service, person);
        for (const [name, { input }] of all) {
          const outcome = log ? await commandOutcome(log, name, await input?.(scene)) : refused;
          outcomes[name] = { ...outcomes[name], [role]: outcome };
        }
        log?.close();
      }
      expect(outcomes).toEqual(Object.fromEntries(all.map(([name, access]) => [name, access.outcomes])));
    },
    120_000,
  );

  async function commandOutcome(log: SocketLog, name: string, input: unknown): Promise<string> {
    const { ok, error } = await log.command(name, input ?? {});
    return ok ? 'ok' : (error as { code: string }).code;
  }

  async function table(base: string, all: Record<string, Access>) {
    const outcomes: Record<string, Partial<Record<Role, Outcome>>> = {};
    for (const [name, access] of Object.entries(all)) {
      outcomes[name] = {};
      for (const role of roles) outcomes[name][role] = await outcomeOf(base, name, access, role);
    }
    return outcomes;
  }

  async function outcomeOf(base: string, name: string, access: Access, role: Role): Promise<Outcome> {
    const [method = '', template = ''] = name.split(' ');
    const { path = template, body, key }: Request = (await access.request?.(scene)) ?? {};
    const isSignedIn = role !== 'nobody' && role !== 'revoked';
    const person = access.newcomers && isSignedIn ? await scene.newcomer() : await scene.as(role);
    const response = await fetch(`${base}${path}`, {
      method,
      headers: {
        ...(person && { authorization: `Bearer ${person.token}` }),
        ...(key && { 'idempotency-key': randomUUID() }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return response.ok ? response.status : (JSON.parse(text) as { code: string }).code;
  }

  const expected = (all: Record<string, Access>) =>
    Object.fromEntries(Object.entries(all).map(([name, { outcomes }]) => [name, outcomes]));

  async function refusedHandshake(
    service: ServiceName,
    person: Person | undefined,
  ): Promise<string | undefined> {
    const outcome = await handshake(`${url(service)}/${service}`, person ? { token: person.token } : {});
    return outcome === 'ready' ? undefined : outcome;
  }

  async function connected(service: ServiceName, person: Person | undefined): Promise<SocketLog> {
    const log = new SocketLog(`${url(service)}/${service}`, () => person?.token ?? '');
    await log.waitFor('session.ready');
    return log;
  }
});
