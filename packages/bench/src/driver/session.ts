import { randomUUID } from 'node:crypto';
import { Agent } from 'node:http';
import { io, type Socket } from 'socket.io-client';
import { Ledger } from './ledger.js';
import { postJson } from './post.js';
import type { Person, Target } from './target.js';

interface CreatedNotification {
  notification: { data: { paymentId: string } };
}

/** Shorter than any server's: a socket that the server is just closing must not be given a request. */
const idleSocketMs = 20_000;

/** The driver's people at one system: payers who POST, recipients who listen. */
export class Session {
  readonly ledger = new Ledger();
  readonly #target: Target;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 64, timeout: idleSocketMs });
  #sockets: Socket[] = [];
  #turn = 0;

  constructor(target: Target) {
    this.#target = target;
  }

  /** Resolves when every recipient's socket is told of all that comes. */
  async connect(): Promise<void> {
    this.#sockets = await Promise.all(this.#target.recipients.map((person) => this.#listen(person)));
  }

  /** One payment, to the next recipient in turn; resolves with the time at which it reached the socket. */
  async pay(): Promise<number> {
    const { payers, recipients, paymentsUrl } = this.#target;
    const payer = payers[this.#turn % payers.length] as Person;
    const recipient = recipients[this.#turn % recipients.length] as Person;
    this.#turn += 1;
    const headers = { authorization: `Bearer ${payer.token}`, 'idempotency-key': randomUUID() };
    const payment = await postJson(this.#agent, paymentsUrl, headers, {
      recipientId: recipient.id,
      amount: 1250,
      currency: 'EUR',
      description: 'Bench',
      paymentMethod: 'pm_card_visa',
    });
    return this.ledger.arrival((payment as { id: string }).id, recipient.id);
  }

  close(): void {
    for (const socket of this.#sockets) socket.disconnect();
    this.#agent.destroy();
  }

  async #listen(person: Person): Promise<Socket> {
    const socket = io(this.#target.socketUrl, {
      transports: ['websocket'],
      auth: { token: person.token },
      forceNew: true,
      reconnection: false,
    });
    socket.on('notification.created', (data: CreatedNotification) => {
      this.ledger.arrived(data.notification.data.paymentId, {
        recipientId: person.id,
        at: performance.now(),
      });
    });
    await new Promise<void>((resolve, reject) => {
      socket.once('session.ready', () => resolve());
      socket.once('connect_error', reject);
    });
    return socket;
  }
}
