import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Person } from '../driver/questions.js';

const timeoutMs = 60_000;
/** The number of concurrent registrations. Each hashes a password. */
const concurrency = 4;

export interface Urls {
  user: string;
  payment: string;
  notification: string;
}

interface Answer {
  status: number;
  body: { id: string; user: { id: string }; accessToken: string; items: { data: { paymentId?: string } }[] };
}

/** Registers people, a few at a time. */
export async function register(urls: Urls, count: number): Promise<Person[]> {
  const people: Person[] = [];
  while (people.length < count) {
    const group = Array.from({ length: Math.min(concurrency, count - people.length) }, () =>
      registerOne(urls),
    );
    people.push(...(await Promise.all(group)));
  }
  return people;
}

/** Lets each payer pay once and waits for the recipient's notification, which shows that all user copies exist. */
export async function waitForCopies(urls: Urls, payers: Person[], recipients: Person[]): Promise<void> {
  const pairs = payers.map(
    (payer, index) => [payer, recipients[index % recipients.length] as Person] as const,
  );
  await Promise.all(
    pairs.map(async ([payer, recipient]) => {
      const key = randomUUID();
      const pay = () => call(`${urls.payment}/payments`, payer.token, payment(recipient), key);
      const { body } = await until(pay, ({ status }) => status === 201);
      const inbox = () => call(`${urls.notification}/notifications?state=all`, recipient.token);
      const shows = (answer: Answer) => answer.body.items?.some(({ data }) => data.paymentId === body.id);
      await until(inbox, (answer) => answer.status === 200 && shows(answer));
    }),
  );
}

async function registerOne(urls: Urls): Promise<Person> {
  const { status, body } = await call(`${urls.user}/users`, undefined, {
    email: `${randomUUID()}@example.org`,
    password: `a long password ${randomUUID()}`,
    displayName: 'Someone',
  });
  if (status !== 201) throw new Error(`registration answered ${status}: ${JSON.stringify(body)}`);
  return { id: body.user.id, token: body.accessToken };
}

function payment(recipient: Person): unknown {
  return { recipientId: recipient.id, amount: 100, currency: 'EUR', paymentMethod: 'pm_card_visa' };
}

async function call(url: string, token: string | undefined, body?: unknown, key?: string): Promise<Answer> {
  const response = await fetch(url, {
    method: body === undefined ? 'GET' : 'POST',
    headers: {
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
      ...(key !== undefined && { 'idempotency-key': key }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(timeoutMs),
  });
  return { status: response.status, body: (await response.json()) as Answer['body'] };
}

async function until(ask: () => Promise<Answer>, isExpected: (answer: Answer) => boolean): Promise<Answer> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const answer = await ask();
    if (isExpected(answer)) return answer;
    if (performance.now() > deadline)
      throw new Error(`still ${answer.status}: ${JSON.stringify(answer.body)}`);
    await sleep(200);
  }
}
