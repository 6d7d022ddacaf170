import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually } from '@warren/testing';
import { v7 as uuidv7 } from 'uuid';
import type { PaymentProvider } from '../src/providers/provider.js';
import { sandboxProvider } from '../src/providers/sandbox.js';
import { stripeProvider } from '../src/providers/stripe/provider.js';
import { randomFaults, seededRandom, withFaults } from './support/faults.js';
import { type Answer, type Instance, startTimeout, World } from './support/service.js';
import {
  type Fault,
  StripeStandIn,
  secretKey,
  signedWebhook,
  webhookSecret,
} from './support/stripe/stand-in.js';

const seed = Number(process.env.WARREN_TEST_SEED ?? Math.floor(Math.random() * 2 ** 32));

interface Request {
  /** The idempotency key: all its answers must be the same. */
  key?: string;
  send(): Promise<Answer>;
}

let stripe: StripeStandIn;
beforeAll(async () => {
  stripe = await StripeStandIn.start();
});
afterAll(() => stripe.close());

/** Whether the same request may get another answer later. */
const isTemporary = ({ body }: Answer) => body.temporary === true;

/** The fault of the next provider call, for both providers. */
const line: { fault: () => Fault } = { fault: () => 'none' };

const providers: Readonly<Record<string, () => PaymentProvider>> = {
  sandbox: () => withFaults(sandboxProvider({ slowMs: 500 }), line),
  stripe: () => stripeProvider({ secretKey, webhookSecret, apiUrl: stripe.url, timeoutMs: 300 }),
};

describe.each(Object.keys(providers))(
  `two hundred concurrent requests on the same few payments with lost provider calls (seed ${seed}): %s`,
  (name) => {
    const next = seededRandom(seed);
    const isStripe = name === 'stripe';
    let world: World;
    let instances: [Instance, Instance];
    const answers = new Map<string, Answer[]>();

    beforeAll(async () => {
      world = await World.create();
      const provider = (providers[name] as () => PaymentProvider)();
      const durations = { answerWithinMs: 300, providerTimeoutMs: 600, leaseMs: 1_500, sweepEveryMs: 20 };
      instances = [await world.start({ provider, durations }), await world.start({ provider, durations })];
    }, startTimeout);
    afterAll(() => world.close());

    const any = () => instances[next() < 0.5 ? 0 : 1];
    const slow = isStripe ? 'pm_card_processing' : 'pm_card_slow';

    async function made(payer: string, recipient: string, paymentMethod: string): Promise<string> {
      const key = uuidv7();
      return eventually(async () => {
        const { status, body } = await any().pay(payer, recipient, { paymentMethod }, key);
        expect(status).toBe(201);
        return body.id;
      });
    }

    /** Makes payments to refund and payments to confirm or cancel, while no calls get lost. */
    async function prepare(payer: string, recipient: string) {
      const paid: string[] = [];
      const waiting: string[] = [];
      for (const _ of [1, 2, 3]) {
        paid.push(await made(payer, recipient, 'pm_card_visa'));
        waiting.push(await made(payer, recipient, 'pm_card_authenticationRequired'));
      }
      await allSettled();
      if (isStripe)
        for (const { id, status } of stripe.account.intents.values()) {
          if (status === 'requires_action') stripe.account.authenticate(id);
        }
      return { paid, waiting };
    }

    function requestsOf(
      payer: string,
      recipient: string,
      { paid, waiting }: Awaited<ReturnType<typeof prepare>>,
    ) {
      const pays = ['pm_card_visa', 'pm_card_visa', slow, 'pm_card_chargeDeclined'].flatMap(
        (paymentMethod) => {
          const key = uuidv7();
          return Array.from(
            { length: 24 },
            (): Request => ({
              key,
              send: () => any().pay(payer, recipient, { paymentMethod, amount: 700 }, key),
            }),
          );
        },
      );
      const refunds = paid.flatMap((id) =>
        Array.from({ length: 10 }).flatMap(() => {
          const key = uuidv7();
          const request: Request = { key, send: () => any().refund(recipient, id, { amount: 200 }, key) };
          return [request, request];
        }),
      );
      const actions = waiting.flatMap((id) =>
        Array.from(
          { length: 15 },
          (_, n): Request => ({
            send: () => any().http(payer, 'POST', `/payments/${id}/${n % 3 ? 'confirm' : 'cancel'}`),
          }),
        ),
      );
      const webhooks = isStripe ? Array.from({ length: 35 }, (): Request => ({ send: repeatWebhook })) : [];
      return [...pays, ...refunds, ...actions, ...webhooks].sort(() => next() - 0.5);
    }

    async function repeatWebhook(): Promise<Answer> {
      const objects = [...stripe.account.intents.values(), ...stripe.account.refunds.values()];
      const object = objects[Math.floor(next() * objects.length)];
      const type = object?.object === 'refund' ? 'refund.updated' : 'payment_intent.succeeded';
      const { body, signature } = signedWebhook(type, object);
      const headers = { 'content-type': 'application/json', 'stripe-signature': signature };
      const url = `${any().service.url}/webhooks/stripe`;
      const response = await fetch(url, { method: 'POST', headers, body });
      return { status: response.status, body: (await response.json()) as Answer['body'] };
    }

    async function send({ key, send }: Request): Promise<Answer> {
      const answer = await send();
      if (key !== undefined) answers.set(key, [...(answers.get(key) ?? []), answer]);
      return answer;
    }

    /** Makes all open operations due now instead of in minutes. */
    const makeAllDue = () => instances[0].client.$executeRaw`
    UPDATE operations SET leased_until = now() WHERE settled_at IS NULL AND leased_until > now()`;

    const allSettled = () =>
      eventually(
        async () => {
          await makeAllDue();
          expect(await instances[0].client.operation.count({ where: { settledAt: null } })).toBe(0);
        },
        { within: 150_000 },
      );

    it('are all answered, and all operations are settled once provider calls succeed again', async () => {
      const [payer, recipient] = await world.people();
      const requests = requestsOf(payer, recipient, await prepare(payer, recipient));
      expect(requests.length).toBeGreaterThanOrEqual(200);
      line.fault = randomFaults(next);
      stripe.fault = () => line.fault();
      const all = await Promise.all(requests.map(send));
      const decided = all.filter((answer) => !isTemporary(answer));
      expect(decided.length).toBeGreaterThan(all.length / 2);
      const expected = ['refund-exceeds-payment', 'wrong-state'];
      expect(
        decided.filter(({ status, body }) => status >= 400 && !expected.includes(String(body.code))),
      ).toEqual([]);

      line.fault = () => 'none';
      for (const { id, status } of stripe.account.intents.values()) {
        if (status === 'processing') stripe.account.decide(id);
      }
      await allSettled();
      const again = async (request: Request) => {
        if (isTemporary(await send(request))) throw new Error('not decided yet');
      };
      const repeated = requests.filter(({ key }) => key !== undefined);
      await Promise.all(repeated.map((request) => eventually(() => again(request), { within: 150_000 })));
    }, 480_000);

    it('get the same answer for the same idempotency key', () => {
      for (const [, given] of answers) {
        const made = given.filter(({ status }) => status === 201).map(({ body }) => body.id);
        const refused = given.filter((answer) => answer.status !== 201 && !isTemporary(answer));
        expect(new Set([...made, ...refused.map(({ body }) => body.code)]).size).toBe(1);
      }
    });

    it('refund no payment above the paid amount, and payments, refunds and ledger agree', async () => {
      const { client } = instances[0];
      const payments = await client.payment.findMany({
        include: { refunds: true, movements: { include: { entries: true } } },
      });
      for (const {
        id,
        amount,
        amountRefunded,
        refundsPending,
        status,
        refunds,
        movements,
        recipientId,
      } of payments) {
        const given = refunds
          .filter((refund) => refund.status === 'succeeded')
          .reduce((sum, each) => sum + each.amount, 0n);
        expect([id, amountRefunded, refundsPending]).toEqual([id, given, 0n]);
        expect(amountRefunded).toBeLessThanOrEqual(amount);
        const entries = movements.flatMap((movement) => movement.entries);
        const held = entries.filter(({ account }) => account === `person:${recipientId}`);
        const left = status === 'succeeded' ? amount - amountRefunded : 0n;
        expect(held.reduce((sum, each) => sum + each.amount, 0n)).toBe(left);
        expect(movements).toHaveLength(
          status === 'succeeded' ? 1 + refunds.filter((refund) => refund.status === 'succeeded').length : 0,
        );
      }
      expect(payments.some(({ amount, amountRefunded }) => amountRefunded + 200n > amount)).toBe(true);
    });

    it('leave a ledger that sums to zero and matches what the provider moved', async () => {
      const [{ total, clearing }] = (await instances[0].client.$queryRaw`
      SELECT sum(amount)::int AS total, -sum(amount) FILTER (WHERE account LIKE 'clearing:%')::int AS clearing
      FROM ledger_entries`) as [{ total: number; clearing: number }];
      expect(total).toBe(0);
      if (isStripe) expect(clearing).toBe(stripe.account.moved);
    });

    it('make the provider perform each operation once', async () => {
      if (!isStripe) return;
      const made = [...stripe.account.intents.values(), ...stripe.account.refunds.values()];
      expect(new Set(made.map(({ metadata }) => metadata.operation_id)).size).toBe(made.length);
    });
  },
);
