import type { Shortage } from '@warren/testing';
import { instanceCount, type Service, services } from '../services.js';
import { Random } from './random.js';

export type Wire = 'broker' | 'database' | 'clients';

/** A planned fault. `at` is its time since the start, `forMs` its duration, both in milliseconds. */
export type Fault = Timed<FaultKind>;

type Timed<T> = T extends unknown ? T & { at: number; forMs: number } : never;

export type FaultKind =
  | { kind: 'kill' | 'terminate' | 'pause'; service: Service; instance: number }
  | { kind: 'kill-all'; service: Service }
  | { kind: 'restart-broker' | 'kill-broker' | 'restart-postgres' | 'kill-postgres' }
  | { kind: 'alarm-broker'; shortage: Shortage }
  | { kind: 'kill-holding'; service: Service; instance: number }
  | { kind: 'cut'; wire: Wire; service: Service; instance: number }
  | { kind: 'stall' | 'drop'; wire: Wire; service: Service; instance: number }
  | { kind: 'delay'; wire: Wire; service: Service; instance: number; delayMs: number }
  | { kind: 'plant'; what: 'malformed' | 'unknown-type' };

type Template = (random: Random) => FaultKind & { forMs: number };

const anyInstance = (random: Random) => ({
  service: random.pick(services),
  instance: random.between(0, instanceCount - 1),
});

const downFor = (random: Random) => ({ forMs: random.between(0, 4_000) });

const instanceFault =
  (kind: 'kill' | 'terminate' | 'pause', service: Service): Template =>
  (random) => ({
    kind,
    service,
    instance: random.between(0, instanceCount - 1),
    forMs: kind === 'pause' ? random.between(1_000, 12_000) : random.between(0, 4_000),
  });

/** Only for services that consume events. */
const killHolding =
  (service: Service): Template =>
  (random) => ({
    kind: 'kill-holding',
    service,
    instance: random.between(0, instanceCount - 1),
    forMs: random.between(1_500, 5_000),
  });

const serverFault =
  (kind: 'restart-broker' | 'kill-broker' | 'restart-postgres' | 'kill-postgres'): Template =>
  (random) => ({ kind, ...downFor(random) });

const alarm =
  (shortage: Shortage): Template =>
  (random) => ({ kind: 'alarm-broker', shortage, forMs: random.between(2_000, 12_000) });

const cut =
  (wire: Wire): Template =>
  (random) => ({ kind: 'cut', wire, ...anyInstance(random), forMs: 0 });

const stall =
  (wire: Wire): Template =>
  (random) => ({ kind: 'stall', wire, ...anyInstance(random), forMs: random.between(1_000, 15_000) });

const drop =
  (wire: Wire): Template =>
  (random) => ({ kind: 'drop', wire, ...anyInstance(random), forMs: random.between(1_000, 5_000) });

const delay =
  (wire: Wire): Template =>
  (random) => ({
    kind: 'delay',
    wire,
    ...anyInstance(random),
    delayMs: random.between(50, 500),
    forMs: random.between(2_000, 8_000),
  });

const plant =
  (what: 'malformed' | 'unknown-type'): Template =>
  () => ({ kind: 'plant', what, forMs: 0 });

/** Each round contains every fault once, in an order that the seed determines. */
const round: readonly Template[] = [
  ...services.map((service) => instanceFault('kill', service)),
  ...services.map((service) => instanceFault('terminate', service)),
  ...services.map((service) => instanceFault('pause', service)),
  ...(['payment', 'notification'] as const).map(killHolding),
  (random) => ({ kind: 'kill-all', service: random.pick(services), ...downFor(random) }),
  serverFault('restart-broker'),
  serverFault('kill-broker'),
  alarm('memory'),
  alarm('disk'),
  serverFault('restart-postgres'),
  serverFault('kill-postgres'),
  ...(['broker', 'database', 'clients'] as const).flatMap((wire) => [
    cut(wire),
    stall(wire),
    drop(wire),
    delay(wire),
  ]),
  plant('malformed'),
  plant('unknown-type'),
];

/** The time before the first fault, so that everything is connected and busy. */
const calmMs = 2_000;

/** Plans `count` faults within `durationMs`, spread evenly with jitter. The plan depends only on the arguments. */
export function planFaults(seed: number, durationMs: number, count: number): Fault[] {
  const random = new Random(seed, 1);
  const share = Math.max(durationMs - calmMs, 0) / count;
  const faults: Fault[] = [];
  while (faults.length < count) {
    for (const template of random.shuffled(round)) {
      if (faults.length === count) break;
      const at = Math.round(calmMs + (faults.length + random.next()) * share);
      faults.push({ at, ...template(random) });
    }
  }
  return faults;
}

/** The name under which faults are counted, e.g. `stall database` or `kill payment`. */
export function nameOf(fault: FaultKind): string {
  if (fault.kind === 'plant') return `plant ${fault.what}`;
  if (fault.kind === 'alarm-broker') return `alarm-broker ${fault.shortage}`;
  if ('wire' in fault) return `${fault.kind} ${fault.wire}`;
  return 'service' in fault ? `${fault.kind} ${fault.service}` : fault.kind;
}

function placeOf(fault: Fault): string {
  if ('wire' in fault && fault.wire === 'clients') return ` of ${fault.service}`; // A service has one load balancer.
  return 'instance' in fault ? ` at ${fault.service}/${fault.instance}` : '';
}

/** Describes the fault, its place and its duration for the progress output. */
export function sentenceOf(fault: Fault): string {
  const place = placeOf(fault);
  const strength = fault.kind === 'delay' ? ` by ${fault.delayMs} ms` : '';
  return `${nameOf(fault)}${place}${strength}${fault.forMs > 0 ? ` for ${fault.forMs} ms` : ''}`;
}
