import { closed, defineContract, Id } from '@warren/contracts';
import type { RawClient, Tx } from '@warren/unit-of-work';
import type { Pool } from 'pg';
import { Type } from 'typebox';
import {
  type Doors,
  defineService,
  project,
  react,
  type ServiceClient,
  type ServiceContext,
} from '../src/index.js';

// Each line under a `@ts-expect-error` must not compile: the type check of the tests fails if one does.

const Apple = Type.Object({ id: Id, colour: Type.String() }, closed);

const orchard = defineContract({
  service: 'orchard',
  emits: { 'orchard.picked': Apple, 'orchard.counted': Type.Object({ apples: Type.Integer() }, closed) },
  accepts: { 'orchard.requested': Type.Object({ apples: Type.Integer() }, closed) },
  discardable: ['orchard.counted'],
  commands: { 'orchard.pick': { input: Type.Object({ id: Id }, closed), output: Apple } },
  feed: { 'orchard.picked': Apple },
  ephemeral: { 'orchard.wind': Type.Object({ strength: Type.Integer() }, closed) },
});

// @ts-expect-error Only what is emitted can be discardable.
defineContract({ service: 'x', emits: {}, discardable: ['x.gone'], commands: {}, feed: {} });

interface OrchardDb extends RawClient {
  apples(): Promise<number>;
}
interface OrchardClient extends ServiceClient<OrchardDb> {
  extra: true;
}
type OrchardTx = Tx<OrchardDb, typeof orchard>;
type OrchardContext = ServiceContext<unknown, OrchardDb, OrchardClient, typeof orchard>;

const id = '0192f0c1-2d3e-7a4b-8c5d-6e7f80910213';
const apple = { id, colour: 'red' };

export async function publishing({ uow }: OrchardContext): Promise<void> {
  await uow.run(async (tx) => {
    await tx.apples();
    tx.publish({ type: 'orchard.picked', subject: id, version: 1, data: apple });
    tx.feed(id, { type: 'orchard.picked', data: apple });
    // @ts-expect-error The contract emits no such event.
    tx.publish({ type: 'orchard.eaten', subject: id, version: 1, data: apple });
    // @ts-expect-error A field is missing.
    tx.publish({ type: 'orchard.picked', subject: id, version: 1, data: { id } });
    // @ts-expect-error The data is that of another event.
    tx.publish({ type: 'orchard.counted', subject: id, version: 1, data: apple });
    // @ts-expect-error The contract has no such feed entry.
    tx.feed(id, { type: 'orchard.counted', data: { apples: 1 } });
    // @ts-expect-error A field has another type.
    tx.feed(id, { type: 'orchard.picked', data: { id, colour: 1 } });
  });
}

const events = [
  project(orchard, 'orchard.picked', {
    users: ({ data }) => [data.id],
    handle: async (tx: OrchardTx, { data }) => void data.colour.repeat(await tx.apples()),
  }),
  react(orchard, 'orchard.requested', {
    handle: async (_tx: OrchardTx, { data }) => void data.apples.toFixed(),
  }),
  react(orchard, 'orchard.picked', {
    handle: async (_tx: RawClient, { data }) => {
      // @ts-expect-error The event has no such field.
      void data.weight;
    },
  }),
  // @ts-expect-error The contract has no such event.
  react(orchard, 'orchard.eaten', { handle: async () => undefined }),
];

const database = {
  client: (_pool: Pool): OrchardClient => {
    throw new Error('never called');
  },
  prisma: new URL('file:///'),
};
const config = Type.Object({ TREES: Type.Integer() });
const pick = async () => apple;

export const service = defineService({
  contract: orchard,
  port: 1,
  config,
  database,
  events,
  doors: ({ uow, config: { TREES } }) => {
    void uow.run(async (tx) => tx.apples());
    return {
      http: [],
      commands: {
        'orchard.pick': async ({ id: picked }, _context, socket) => {
          socket.tell('orchard.wind', { strength: TREES });
          // @ts-expect-error The contract has nothing ephemeral of this name.
          socket.tell('orchard.rain', {});
          // @ts-expect-error The input has no such field.
          void picked.colour;
          return apple;
        },
      },
      snapshots: [{ type: 'orchard.picked', page: async () => [{ subject: id, version: 1, data: apple }] }],
    };
  },
});

// @ts-expect-error A command of the contract is missing.
export const without: Doors<OrchardDb, typeof orchard> = { http: [], commands: {} };

// @ts-expect-error The commands are missing.
export const withNone: Doors<OrchardDb, typeof orchard> = { http: [] };

export const withMore: Doors<OrchardDb, typeof orchard> = {
  http: [],
  commands: {
    'orchard.pick': pick,
    // @ts-expect-error The contract has no such command.
    'orchard.eat': pick,
  },
};

export const otherOutput: Doors<OrchardDb, typeof orchard> = {
  http: [],
  commands: {
    // @ts-expect-error The output lacks a field.
    'orchard.pick': async () => ({ id }),
  },
};

export const otherSnapshot: Doors<OrchardDb, typeof orchard> = {
  http: [],
  commands: { 'orchard.pick': pick },
  // @ts-expect-error The data of the snapshot is that of another event.
  snapshots: [{ type: 'orchard.counted', page: async () => [{ subject: id, version: 1, data: apple }] }],
};

const other = defineContract({ service: 'other', emits: {}, commands: {}, feed: {} });
export const handlerOfAnother = defineService({
  contract: other,
  port: 1,
  config,
  database,
  // @ts-expect-error These handlers need a transaction of the orchard.
  events: [react(orchard, 'orchard.picked', { handle: async (tx: OrchardTx) => void (await tx.apples()) })],
  doors: () => ({ http: [] }),
});
