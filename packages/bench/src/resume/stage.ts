import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { quietPorts } from '@warren/testing';
import type { Bench } from '../bench.js';
import { quantile } from '../stats.js';
import { kitEnvironment } from '../systems/kit-environment.js';
import { createTokens, type Tokens } from '../systems/tokens.js';
import { fillFeeds } from './feeds.js';
import { ask, type Probe, probeEvery, warmUp } from './probes.js';
import { openWitness } from './witness.js';

/** The timeout of readiness probes in k8s/. */
const readinessMs = 3_000;

export interface Probes {
  readiness: Probe;
  transactions: Probe;
  events: Probe;
}

/** One process of the notification service and its users. */
export interface Stage {
  port: number;
  databaseUrl: string;
  tokens: Tokens;
  /** Starts the probes: readiness, transactions, and payments whose notifications a witness receives. */
  probe(): Probes;
}

export async function openStage(bench: Bench): Promise<Stage> {
  const tokens = await createTokens();
  const [witness, ...payers] = await tokens.people(9);
  if (!witness) throw new RangeError('there is no witness');
  const databaseUrl = await bench.database();
  const amqpUrl = await bench.broker();
  const [internalPort] = await quietPorts(1);
  const env = {
    ...(await kitEnvironment(bench, amqpUrl)),
    DATABASE_URL: databaseUrl,
    JWKS_URL: await serveKeys(bench, tokens.jwks),
    // All clients come from one machine.
    HANDSHAKES_PER_MINUTE: '1000000',
    UNJOINED_PER_ADDRESS: '100000',
    BENCH_SERVICE: 'notification',
    LOG_LEVEL: 'warn',
    INTERNAL_PORT: `${internalPort}`,
  };
  const { port } = await bench.server('notification', new URL('../story/main.js', import.meta.url), env);
  await fillFeeds(databaseUrl, [witness, ...payers], 0);
  const url = `http://127.0.0.1:${port}`;
  const publish = await openWitness({
    cleanup: bench.cleanup,
    databaseUrl: await bench.database(),
    amqpUrl,
    socketUrl: `${url}/notification`,
    person: witness,
  });
  await warmUp(`${url}/health/live`);
  const transact = (number: number) => {
    const { token } = payers[number % payers.length] ?? witness;
    const headers = { authorization: `Bearer ${token}` };
    return ask('POST', `${url}/notifications/mark-all-read`, headers, 60_000);
  };
  return {
    port,
    databaseUrl,
    tokens,
    probe: () => ({
      readiness: probeEvery(200, () =>
        ask('GET', `http://127.0.0.1:${internalPort}/health/ready`, {}, readinessMs, true),
      ),
      transactions: probeEvery(40, transact),
      events: probeEvery(250, publish),
    }),
  };
}

/** Serves the public keys for the service. */
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

export function spread(samples: readonly number[]) {
  if (samples.length === 0) return { count: 0, p50: 0, p99: 0, max: 0 };
  const [p50 = 0, p99 = 0, max = 0] = [0.5, 0.99, 1].map((q) => Math.round(quantile(samples, q)));
  return { count: samples.length, p50, p99, max };
}

export function figuresOf(probes: Probes) {
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
