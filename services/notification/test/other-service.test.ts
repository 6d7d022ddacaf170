import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { closed, defineContract, errorsOf, Id } from '@warren/contracts';
import { NotificationRequested, noticeRequest } from '@warren/notification-contract';
import { defineNoticeKind } from '@warren/notification-contract/notices';
import { createService, defineService, type Pool, project, type RunningService } from '@warren/service-kit';
import { keys, tokenFor } from '@warren/service-testing';
import { eventually, type TestDatabase, testDatabase } from '@warren/testing';
import { pgClient, type RawClient, type Tx } from '@warren/unit-of-work';
import { userContract } from '@warren/user-contract';
import { pino } from 'pino';
import { io, type Socket } from 'socket.io-client';
import { Type } from 'typebox';
import { v7 as uuidv7 } from 'uuid';
import { startTimeout, World } from './support/service.js';

const Bid = Type.Object({ auctionId: Id, bidderId: Id, amount: Type.Integer({ minimum: 1 }) }, closed);
const auctionErrors = {
  'bid-too-low': { status: 422, temporary: false, title: 'This bid is too low' },
} as const;
const auctionError = errorsOf(auctionErrors);

/** A service that nothing in this repository knows. */
const auctionContract = defineContract({
  service: 'auction',
  emits: { 'notification.requested': NotificationRequested },
  commands: {
    'auction.bid': {
      input: Type.Object({ auctionId: Id, outbidUserId: Id, amount: Type.Integer() }, closed),
      output: Bid,
    },
  },
  feed: { 'auction.bid-placed': Bid },
  errors: auctionErrors,
});

const outbid = defineNoticeKind({
  kind: 'auction-outbid',
  values: { auctionId: 'id', bidderId: 'person' },
  texts: { en: { title: 'You were outbid', body: '{bidderId} bid more than you.' } },
  channels: { email: true, push: false },
  path: '/auctions/{auctionId}',
});

type AuctionTx = Tx<RawClient, typeof auctionContract>;
/** The people whom the service has heard of. */
const people: string[] = [];

const auction = defineService({
  contract: auctionContract,
  port: 4_010,
  config: Type.Object({}),
  database: {
    client: (pool: Pool) => ({ ...pgClient(pool), $disconnect: async () => undefined }),
    prisma: new URL('../../../packages/service-kit/test/fixture/prisma/', import.meta.url),
  },
  events: [
    project(userContract, 'user.registered', {
      users: ({ data }) => [data.id],
      async handle(_tx: AuctionTx, { data }) {
        people.push(data.displayName);
      },
    }),
  ],
  doors: ({ uow }) => ({
    http: [],
    commands: {
      async 'auction.bid'({ auctionId, outbidUserId, amount }, { principal: { userId } }) {
        if (amount < 100) throw auctionError('bid-too-low');
        const bid = { auctionId, bidderId: userId, amount };
        await uow.run(async (tx) => {
          tx.feed(userId, { type: 'auction.bid-placed', data: bid });
          tx.publish({
            type: 'notification.requested',
            subject: auctionId,
            version: 1,
            data: noticeRequest(outbid, outbidUserId, { auctionId, bidderId: userId }),
            about: outbidUserId,
          });
        });
        return bid;
      },
    },
  }),
});

describe('a service of its own, beside the notification service', () => {
  let world: World;
  let database: TestDatabase;
  let service: RunningService;
  let socket: Socket;
  let ada: string;
  let grace: string;
  const entries: unknown[] = [];

  beforeAll(async () => {
    world = await World.create();
    database = await testDatabase();
    const env = {
      HOST: '127.0.0.1',
      PORT: '0',
      INTERNAL_PORT: '0',
      DATABASE_URL: database.url,
      DRAIN_SECONDS: '0',
    };
    service = await createService(auction, env, { bus: world.bus, keys, log: pino({ level: 'silent' }) });
    [ada, grace] = [await world.register('Ada'), await world.register('Grace')];
    socket = io(`${service.url}/auction`, {
      transports: ['websocket'],
      auth: { token: await tokenFor(ada) },
    });
    socket.on('auction.bid-placed', (data) => entries.push(data));
    await new Promise((resolve, reject) => {
      socket.once('session.ready', resolve);
      socket.once('connect_error', reject);
    });
  }, startTimeout);

  afterAll(async () => {
    socket?.close();
    await service?.stop();
    await world?.close();
    await database?.close();
  });

  it('consumes events of the other services by their contracts', () => {
    expect(people).toEqual(['Ada', 'Grace']);
  });

  it('has commands, feed entries and kinds of notice of its own', async () => {
    const bid = { auctionId: uuidv7(), amount: 250 };
    const answer = await socket.timeout(10_000).emitWithAck('auction.bid', { ...bid, outbidUserId: grace });
    expect(answer).toEqual({ ok: true, data: { ...bid, bidderId: ada } });
    await eventually(() => expect(entries).toEqual([{ ...bid, bidderId: ada }]));
    await eventually(async () =>
      expect((await world.inbox(grace))[0]).toMatchObject({
        kind: 'auction-outbid',
        title: 'You were outbid',
        body: 'Ada bid more than you.',
      }),
    );
  });

  it('answers with error codes of its own', async () => {
    const bid = { auctionId: uuidv7(), outbidUserId: grace, amount: 1 };
    expect(await socket.timeout(10_000).emitWithAck('auction.bid', bid)).toEqual({
      ok: false,
      error: { code: 'bid-too-low', message: 'This bid is too low', temporary: false },
    });
  });
});
