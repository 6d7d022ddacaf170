import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { errorDefinition, kitErrors } from '@warren/contracts';
import { eventually } from '@warren/testing';
import { connect } from 'amqplib';
import fc from 'fast-check';
import { Person } from '../support/person.js';
import { ofKind } from '../support/story.js';
import { SeparateSystem, type ServiceName, services } from '../support/system.js';
import {
  type FuzzedRequest,
  frames,
  handshake,
  rawHttp,
  requestsFor,
  sendFrames,
} from './support/attacks.js';
import { malformed, nastyValue } from './support/malformed.js';
import { type Contract, contractOf, routesOf } from './support/open-api.js';

/** The attacks depend only on this seed. */
const seed = Number(process.env.WARREN_FUZZ_SEED ?? 20_261_124);
const counts = { http: 14_000, rawHttp: 600, handshakes: 900, frames: 4_200, events: 2_400 };
/**
 * More than compiled code, pools and uncollected garbage need, and less than a leak of 5 KiB per attack. The heap is
 * small, so that garbage is collected and a leak in the heap ends the process.
 */
const maxGrowthMiB = 112;
const smallHeap = '--max-old-space-size=192';

describe(`malformed input (${Object.values(counts).reduce((sum, each) => sum + each)} times)`, () => {
  let system: SeparateSystem;
  let contracts: Contract[];
  const before = new Map<ServiceName, number>();

  beforeAll(async () => {
    const unlimited = {
      HANDSHAKES_PER_MINUTE: '1000000',
      PAYMENTS_PER_MINUTE: '1000000',
      REQUESTS_PER_MINUTE: '1000000',
      REGISTRATIONS_PER_MINUTE: '1000000',
      TRUST_PROXY: 'on',
    };
    const quiet = { LOG_LEVEL: 'fatal', NODE_OPTIONS: smallHeap };
    system = await SeparateSystem.start(1, { ...unlimited, ...quiet });
    contracts = await Promise.all(services.map((service) => contractOf(url(service))));
    await attackHttp(Math.round(counts.http / 10), seed - 1); // Warms up, so that later growth is a leak.
    for (const service of services) before.set(service, await residentMiB(service));
  }, 180_000);
  afterAll(() => system?.close(), 60_000);

  const url = (service: ServiceName) => system.urls(service)[0] as string;
  const port = (service: ServiceName) => Number(new URL(url(service)).port);
  const sample = <T>(arbitrary: fc.Arbitrary<T>, numRuns: number): T[] =>
    fc.sample(arbitrary, { seed, numRuns });

  async function residentMiB(service: ServiceName): Promise<number> {
    const metrics = await (await fetch(`${system.internalUrl(service)}/metrics`)).text();
    const [, bytes] = /^process_resident_memory_bytes\S* (\S+)$/m.exec(metrics) ?? [];
    return Number(bytes) / 2 ** 20;
  }

  interface Outcomes {
    statuses: Map<number, number>;
    wrong: string[];
  }

  /** Attacks all routes equally. The people whose tokens are used are replaced when a session of theirs has ended. */
  async function attackHttp(total: number, from: number): Promise<Outcomes> {
    const routes = (
      await Promise.all(
        services.map(async (service) => (await routesOf(url(service))).map((route) => ({ service, route }))),
      )
    ).flat();
    const outcomes: Outcomes = { statuses: new Map(), wrong: [] };
    let people = await crowd();
    for (const [index, { service, route }] of routes.entries()) {
      const share = Math.ceil(total / routes.length);
      const tokens = people.map(({ token }) => token);
      const requests = fc.sample(requestsFor(route, tokens), { seed: from + index, numRuns: share });
      let ended = false;
      for (let next = 0; next < requests.length; next += 8) {
        await Promise.all(
          requests.slice(next, next + 8).map(async (request) => {
            const code = await sendOne(service, request, outcomes);
            ended ||= code === 'session-revoked';
          }),
        );
      }
      if (ended) people = await crowd();
    }
    return outcomes;
  }

  /** Several people, so that limits per person don't stop the attacks. */
  const crowd = () => Promise.all(Array.from({ length: 12 }, () => Person.register(system, 'Eve')));

  const isKnown = (service: ServiceName, code: string) =>
    errorDefinition(code, contracts.find((contract) => contract.service === service)?.errors) !== undefined;

  async function sendOne(
    service: ServiceName,
    { path, ...request }: FuzzedRequest,
    { statuses, wrong }: Outcomes,
  ): Promise<string | undefined> {
    const response = await fetch(`${url(service)}${path}`, {
      ...request,
      signal: AbortSignal.timeout(20_000),
    });
    const text = await response.text();
    statuses.set(response.status, (statuses.get(response.status) ?? 0) + 1);
    if (response.status < 400) return undefined;
    const { code } = problemIn(text);
    if (response.status >= 500 || code === undefined || !isKnown(service, code)) {
      wrong.push(`${response.status} ${request.method} ${path.slice(0, 120)} ${request.body?.slice(0, 200)}`);
    }
    return code;
  }

  async function stillServes(): Promise<void> {
    for (const service of services) {
      if (system.hasEnded(service)) throw new Error(`${service} has ended:\n${system.output(service)}`);
    }
    const [ada, grace] = [await Person.register(system, 'Ada'), await Person.register(system, 'Grace')];
    const hears = await grace.connect('notification');
    expect((await ada.pay(grace, 1_250)).status).toBe(201);
    await hears.entry('notification.created', ofKind('payment-received'));
    ada.leave();
    grace.leave();
  }

  it('over HTTP is refused with a code or accepted, and never causes a 500', async () => {
    const { statuses, wrong } = await attackHttp(counts.http, seed);
    expect(wrong.slice(0, 10)).toEqual([]);
    // The test would prove nothing if all attacks failed at the first check.
    const share = (of: (status: number) => boolean) =>
      [...statuses].reduce((sum, [status, count]) => sum + (of(status) ? count : 0), 0) / counts.http;
    expect(share((status) => status === 400)).toBeGreaterThan(0.2);
    expect(share((status) => status < 300)).toBeGreaterThan(0.1);
    await stillServes();
  }, 300_000);

  it('that is not valid HTTP never causes a 500', async () => {
    const line = fc.constantFrom(
      'GET / HTTP/1.1\r\nHost: a\r\n',
      'POST /payments HTTP/1.1\r\nHost: a\r\n',
      'GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n',
    );
    const junk = fc.oneof(
      fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes).toString('latin1')),
      fc.constantFrom(
        'Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
        'Content-Length: -1\r\n\r\n',
        'Content-Length: 10\r\n\r\n{',
        'Transfer-Encoding: chunked\r\n\r\nZZ\r\n',
        `X: ${'y'.repeat(40_000)}\r\n\r\n`,
        'Sec-WebSocket-Key: x\r\nSec-WebSocket-Version: 99\r\n\r\n',
        'A\u0000B: c\r\n\r\n',
      ),
    );
    const attacks = sample(fc.tuple(line, junk), counts.rawHttp);
    for (let next = 0; next < attacks.length; next += 20) {
      const some = attacks.slice(next, next + 20);
      const answers = await Promise.all(
        some.map(([start, rest], index) =>
          rawHttp(port(services[index % services.length] as ServiceName), start + rest),
        ),
      );
      expect(answers.filter((answer) => answer.startsWith('HTTP/1.1 5'))).toEqual([]);
    }
    await stillServes();
  }, 120_000);

  it('in handshakes is refused with a code', async () => {
    const person = await Person.register(system, 'Eve');
    const auth = fc.oneof(
      fc.record({ token: nastyValue, cursor: nastyValue }),
      fc.record({ token: fc.constant(person.token), cursor: nastyValue }),
    );
    const outcomes = new Map<string, number>();
    const attacks = sample(auth, counts.handshakes);
    for (let next = 0; next < attacks.length; next += 10) {
      await Promise.all(
        attacks.slice(next, next + 10).map(async (each, index) => {
          const service = services[index % services.length] as ServiceName;
          const outcome = await handshake(`${url(service)}/${service}`, each);
          outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
        }),
      );
    }
    const unknown = [...outcomes.keys()].filter((code) => code !== 'ready' && !(code in kitErrors));
    expect(unknown).toEqual([]);
    expect(outcomes.get('unauthenticated')).toBeGreaterThan(counts.handshakes / 4);
    expect(outcomes.get('ready')).toBeGreaterThan(counts.handshakes / 4);
    await stillServes();
  }, 120_000);

  it('in packets on a joined socket does not stop the service', async () => {
    const person = await Person.register(system, 'Eve');
    for (const contract of contracts) {
      const service = contract.service as ServiceName;
      const attacks = sample(frames(contract), counts.frames / contracts.length);
      await sendFrames(url(service), service, person.token, attacks);
    }
    await stillServes();
  }, 120_000);

  it('in events of other services is dead-lettered or handled, and does not block later events', async () => {
    const emitted = new Map(contracts.flatMap(({ emits }) => Object.entries(emits)));
    const discardable = new Set(contracts.flatMap((contract) => contract.discardable ?? []));
    const consumed = [...emitted.keys()].filter((type) => !discardable.has(type));
    const connection = await connect(system.broker('user'));
    const userId = decodeURIComponent(new URL(system.broker('user')).username);
    const channel = await connection.createConfirmChannel();
    for (const [index, type] of consumed.entries()) {
      const data = malformed(emitted.get(type) ?? {});
      const attacks = fc.sample(eventsOf(type, data), {
        seed: seed + index,
        numRuns: Math.ceil(counts.events / consumed.length),
      });
      for (const body of attacks) {
        const options = {
          contentType: 'application/cloudevents+json',
          messageId: randomUUID(),
          type,
          persistent: true,
          userId,
        };
        channel.publish('warren.events', type, Buffer.from(body), options);
      }
      await channel.waitForConfirms();
    }
    await eventually(
      async () => {
        for (const service of ['payment', 'notification']) {
          expect((await channel.checkQueue(`warren.${service}.events`)).messageCount).toBe(0);
        }
      },
      { within: 90_000 },
    );
    const dead = await channel.checkQueue('warren.notification.dead');
    expect(dead.messageCount).toBeGreaterThan(counts.events / 10);
    await connection.close();
    await stillServes();
  }, 240_000);

  it('leaves memory constant after all of this', async () => {
    for (const service of services) {
      const growth = (await residentMiB(service)) - (before.get(service) ?? 0);
      expect(`${service} ${growth < maxGrowthMiB ? 'flat' : growth}`).toBe(`${service} flat`);
    }
  });
});

/** Complete envelopes with malformed data, envelopes with a malformed field, and bodies that are not events. */
function eventsOf(type: string, data: fc.Arbitrary<unknown>): fc.Arbitrary<string> {
  const envelope = fc.record({
    specversion: fc.constant('1.0'),
    id: fc.uuid({ version: 7 }),
    source: fc.constant(`/services/${type.split('.')[0]}`),
    type: fc.constant(type),
    subject: fc.uuid(),
    time: fc.constant('2026-11-24T00:00:00.000Z'),
    datacontenttype: fc.constant('application/json'),
    dataschema: fc.constant(`urn:warren:contract:${type}`),
    entityversion: fc.integer({ min: 1, max: 1_000 }),
    correlationid: fc.constant('fuzz'),
    data,
  });
  const odd = fc
    .tuple(
      envelope,
      fc.constantFrom('id', 'subject', 'entityversion', 'time', 'type', 'replayid', 'data'),
      nastyValue,
    )
    .map(([event, name, value]) => ({ ...event, [name]: value }));
  return fc.oneof(
    { weight: 5, arbitrary: envelope.map((event) => JSON.stringify(event)) },
    { weight: 3, arbitrary: odd.map((event) => JSON.stringify(event)) },
    { weight: 1, arbitrary: nastyValue.map((value) => JSON.stringify(value) ?? '') },
    { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 100 }) },
  );
}

function problemIn(text: string): { code?: string } {
  try {
    return JSON.parse(text) as { code?: string };
  } catch {
    return {};
  }
}
