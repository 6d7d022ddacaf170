import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { Bench, type Server } from '../bench.js';
import type { Child } from '../processes/child.js';
import { quantile } from '../stats.js';
import { kitEnvironment } from '../systems/kit-environment.js';
import { createTokens } from '../systems/tokens.js';
import { type Absent, fillFeeds } from './feeds.js';
import { help, type ResumeOptions, readResumeOptions } from './options.js';
import { ask, type Probe, probeEvery, warmUp } from './probes.js';
import type { ReturningFigures, ReturningOptions } from './returning-client.js';
import { openWitness } from './witness.js';

const answerWithinMs = 120_000;
const patienceMs = 180_000;
/** Milliseconds before and after the storm that the probes run too. */
const calmMs = 3_000;
/** A kubelet waits no longer for readiness; see k8s/. */
const readinessMs = 3_000;
const localAddresses = 8;

/** `npm run bench -- resume`. Throws where the service doesn't hold what the help text says. */
export async function resume(argv: readonly string[], say: (line: string) => void): Promise<void> {
  const options = readResumeOptions(argv);
  if (options.help) {
    process.stdout.write(help);
    return;
  }
  const bench = await Bench.create(options.cpuProf);
  const stop = () => void bench.cleanup.run().then(() => process.exit(130));
  process.once('SIGINT', stop).once('SIGTERM', stop);
  try {
    await run(bench, options, say);
  } catch (error) {
    process.stderr.write(await bench.lastWords());
    throw error;
  } finally {
    await bench.cleanup.run();
  }
}

async function run(bench: Bench, options: ResumeOptions, say: (line: string) => void): Promise<void> {
  const tokens = await createTokens();
  const [witness, ...payers] = await tokens.people(9);
  if (!witness) throw new RangeError('a storm needs a witness');
  const people = await tokens.people(Math.ceil(options.clients / options.tabs));
  const databaseUrl = await bench.database();
  const amqpUrl = await bench.broker();
  const env = {
    ...(await kitEnvironment(bench, amqpUrl)),
    DATABASE_URL: databaseUrl,
    JWKS_URL: await serveKeys(bench, tokens.jwks),
    // All clients come from one machine.
    HANDSHAKES_PER_MINUTE: '1000000',
    UNJOINED_PER_ADDRESS: '100000',
    BENCH_SERVICE: 'notification',
    LOG_LEVEL: 'warn',
  };
  const service = await bench.server('notification', new URL('../story/main.js', import.meta.url), env);
  const absent = await fillFeeds(databaseUrl, people, options.missed);
  await fillFeeds(databaseUrl, [witness, ...payers], 0);
  const url = `http://127.0.0.1:${service.port}`;
  const publish = await openWitness({
    cleanup: bench.cleanup,
    databaseUrl: await bench.database(),
    amqpUrl,
    socketUrl: `${url}/notification`,
    person: witness,
  });
  const drivers: Child[] = [];
  for (let index = 0; index < options.drivers; index += 1) {
    drivers.push(await bench.process(`driver-${index + 1}`, new URL('./crowd-main.js', import.meta.url)));
  }
  const probes = () => ({
    readiness: probeEvery(200, () => ask('GET', `${url}/health/ready`, {}, readinessMs, true)),
    transactions: probeEvery(40, (number) => {
      const { token } = payers[number % payers.length] ?? witness;
      return ask('POST', `${url}/notifications/mark-all-read`, { authorization: `Bearer ${token}` }, 60_000);
    }),
    events: probeEvery(250, publish),
  });
  await warmUp(`${url}/health/live`);
  await sleep(calmMs);
  const calm = probes();
  await sleep(calmMs);
  await Promise.all(Object.values(calm).map((probe) => probe.stop()));

  say(`${options.clients} clients come back`);
  const storm = probes();
  const began = performance.now();
  await comeBack(drivers, clientsOf(absent, options, service));
  await untilComplete(drivers, options.clients, say);
  const tookMs = performance.now() - began;
  await Promise.all(Object.values(storm).map((probe) => probe.stop()));
  const figures = (
    await Promise.all(
      drivers.map((driver) => driver.ask<ReturningFigures[]>('figures', undefined, answerWithinMs)),
    )
  ).flat();
  const result = {
    clients: options.clients,
    tookMs,
    ...summed(figures),
    calm: told(calm),
    storm: told(storm),
  };
  process.stdout.write(options.json ? `${JSON.stringify(result, undefined, 2)}\n` : report(result));
  check(result);
}

/** The public keys, where the service looks for them. */
async function serveKeys(bench: Bench, jwks: string): Promise<string> {
  const server = createServer((_request, response) =>
    response.writeHead(200, { 'content-type': 'application/json' }).end(jwks),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  bench.cleanup.defer('keys', async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

function clientsOf(absent: readonly Absent[], options: ResumeOptions, service: Server): ReturningOptions[] {
  return Array.from({ length: options.clients }, (_, index) => {
    const each = absent[index % absent.length];
    if (!each) throw new RangeError('a storm needs people');
    const { person, cursor, from, to } = each;
    const localAddress = `127.0.0.${2 + (index % localAddresses)}`;
    const { port } = service;
    return { port, localAddress, namespace: 'notification', token: person.token, cursor, from, to };
  });
}

async function comeBack(drivers: readonly Child[], clients: readonly ReturningOptions[]): Promise<void> {
  await Promise.all(
    drivers.map((driver, index) => {
      const own = clients.filter((_, each) => each % drivers.length === index);
      return driver.ask('return', own, answerWithinMs);
    }),
  );
}

async function untilComplete(
  drivers: readonly Child[],
  clients: number,
  say: (line: string) => void,
): Promise<void> {
  const deadline = performance.now() + patienceMs;
  for (;;) {
    const counts = await Promise.all(
      drivers.map((driver) => driver.ask<number>('complete', undefined, answerWithinMs)),
    );
    const complete = counts.reduce((sum, count) => sum + count, 0);
    say(`${complete} are complete`);
    if (complete === clients || performance.now() > deadline) return;
    await sleep(1_000);
  }
}

function summed(figures: readonly ReturningFigures[]) {
  const count = (of: (each: ReturningFigures) => number) => figures.reduce((sum, each) => sum + of(each), 0);
  return {
    incomplete: count(({ complete }) => (complete ? 0 : 1)),
    late: count(({ late }) => (late ? 1 : 0)),
    lost: {
      connecting: count(({ lost }) => lost.connecting),
      upgrading: count(({ lost }) => lost.upgrading),
      joining: count(({ lost }) => lost.joining),
      resuming: count(({ lost }) => lost.resuming),
    },
    refused: count(({ refused }) => refused),
    faults: count(({ gaps, resets }) => gaps + resets),
    resumeMs: spread(figures.map(({ took }) => took)),
  };
}

function spread(samples: readonly number[]) {
  if (samples.length === 0) return { count: 0, p50: 0, p99: 0, max: 0 };
  const [p50 = 0, p99 = 0, max = 0] = [0.5, 0.99, 1].map((q) => Math.round(quantile(samples, q)));
  return { count: samples.length, p50, p99, max };
}

function told(probes: Record<'readiness' | 'transactions' | 'events', Probe>) {
  const of = ({ samples, failures }: Probe) => ({
    ...spread(samples),
    failed: failures.length,
    why: [...new Set(failures)].slice(0, 3),
  });
  return {
    readiness: of(probes.readiness),
    transactions: of(probes.transactions),
    events: of(probes.events),
  };
}

interface Result extends ReturnType<typeof summed> {
  clients: number;
  tookMs: number;
  calm: ReturnType<typeof told>;
  storm: ReturnType<typeof told>;
}

function report(result: Result): string {
  const { clients, tookMs, incomplete, late, lost, refused, faults, resumeMs, calm, storm } = result;
  const line = (name: 'readiness' | 'transactions' | 'events') => {
    const [before, during] = [calm[name], storm[name]];
    return (
      `${name}: p50 ${during.p50} ms, p99 ${during.p99} ms, longest ${during.max} ms of ${during.count}, ` +
      `${during.failed} failed${during.why.map((why) => ` (${why})`).join('')}; ` +
      `before the storm p50 ${before.p50} ms, p99 ${before.p99} ms\n`
    );
  };
  return `
${clients} clients came back within ${Math.round(tookMs)} ms: p50 ${resumeMs.p50} ms, p99 ${resumeMs.p99} ms
${incomplete} incomplete, ${late} told that their feed can't be read, connections lost ${JSON.stringify(lost)}, ${refused} refused, ${faults} gaps, doubles and resets
${line('readiness')}${line('transactions')}${line('events')}`;
}

const mostWaitMs = 500;

function check({ incomplete, late, lost, refused, faults, storm }: Result): void {
  const bad = [
    incomplete + late + refused + faults + lost.joining + lost.resuming > 0 && 'a client did not resume',
    storm.readiness.failed > 0 && 'readiness went off',
    storm.transactions.failed + storm.events.failed > 0 && 'a transaction or an event failed',
    storm.transactions.p99 >= mostWaitMs && `transactions took ${mostWaitMs} ms or more at p99`,
  ].filter((problem) => problem !== false);
  if (bad.length > 0) throw new Error(bad.join('; '));
}
