import { randomUUID } from 'node:crypto';
import { Agent } from 'node:http';
import { io, type Socket } from 'socket.io-client';
import { Ledger } from './ledger.js';
import { postJson } from './post.js';
import type { Person, Target } from './questions.js';

interface CreatedNotification {
  notification: { data: { paymentId: string } };
}

/** Shorter than the idle timeout of any server, so that no request is sent on a connection that is being closed. */
const idleSocketMs = 20_000;

/** The driver's payers and recipients at one system. */
export class Session {
  readonly ledger = new Ledger();
  readonly #target: Target;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 64, timeout: idleSocketMs });
  #sockets: Socket[] = [];
  #turn = 0;

  constructor(target: Target) {
    this.#target = target;
  }

  /** Connects the recipients' sockets, and resolves when all are ready. */
  async connect(): Promise<void> {
    this.#sockets = await Promise.all(this.#target.recipients.map((person) => this.#listen(person)));
  }

  /** Pays the next recipient, and resolves to the time at which the payment reached the recipient's socket. */
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
