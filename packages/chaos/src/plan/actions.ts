import { Random } from './random.js';

/** Numbers select from the people, tabs or notifications that exist when the action is due, modulo their count. */
export type PlannedAction = { at: number; id: string } & (
  | { kind: 'register' }
  | { kind: 'rename'; person: number }
  | { kind: 'pay'; person: number; recipient: number; amount: number; currency: string; method: string }
  | { kind: 'mark-read'; person: number; which: number }
  | { kind: 'open-tab'; person: number; namespace: number }
  | { kind: 'go-away'; person: number; client: number; forMs: number }
);

export interface ActionPlanOptions {
  seed: number;
  durationMs: number;
  perSecond: number;
  /** The number of people who register at the start. */
  people: number;
}

/** Payments have the largest weight, because they involve the most services. */
const mix: readonly [kind: PlannedAction['kind'], weight: number][] = [
  ['pay', 50],
  ['mark-read', 25],
  ['rename', 12],
  ['go-away', 9],
  ['open-tab', 2],
  ['register', 2],
];

const methods = [
  ...Array<string>(8).fill('pm_card_visa'),
  'pm_card_chargeDeclined',
  'pm_card_authenticationRequired',
  'pm_card_slow',
];

/** Plans the actions in order of time. The plan depends only on the options. */
export function planActions(options: ActionPlanOptions): PlannedAction[] {
  const random = new Random(options.seed, 2);
  const count = Math.max(Math.round((options.durationMs / 1_000) * options.perSecond), 1);
  const share = options.durationMs / count;
  const actions: PlannedAction[] = [];
  for (let index = 0; index < options.people; index += 1) {
    actions.push({ at: 0, id: `r${index}`, kind: 'register' });
  }
  for (let index = 0; index < count; index += 1) {
    const at = Math.round((index + random.next()) * share);
    actions.push({ at, id: `a${index}`, ...detail(kindFrom(random), random) });
  }
  return actions;
}

function kindFrom(random: Random): PlannedAction['kind'] {
  const total = mix.reduce((sum, [, weight]) => sum + weight, 0);
  let drawn = random.next() * total;
  for (const [kind, weight] of mix) {
    drawn -= weight;
    if (drawn < 0) return kind;
  }
  return 'pay';
}

type WithoutTime<T> = T extends unknown ? Omit<T, 'at' | 'id'> : never;

function detail(kind: PlannedAction['kind'], random: Random): WithoutTime<PlannedAction> {
  const any = () => random.between(0, 999_999);
  const person = any();
  switch (kind) {
    case 'register':
      return { kind };
    case 'rename':
      return { kind, person };
    case 'pay':
      return {
        kind,
        person,
        recipient: any(),
        amount: random.between(1, 50_000),
        currency: random.pick(['EUR', 'JPY', 'KWD']),
        method: random.pick(methods),
      };
    case 'mark-read':
      return { kind, person, which: any() };
    case 'open-tab':
      return { kind, person, namespace: any() };
    case 'go-away':
      return { kind, person, client: any(), forMs: random.between(200, 8_000) };
  }
}
