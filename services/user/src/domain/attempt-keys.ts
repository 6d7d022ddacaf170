import { createHmac, hkdfSync } from 'node:crypto';
import { mailboxOf } from './email.js';

/**
 * The keys under which attempts are counted. Each key is an HMAC. Without the secret, a reader of the database can't
 * find out which account or address a count belongs to, not even by trying all addresses that they know.
 */
export class AttemptKeys {
  readonly #key: Buffer;

  /**
   * All instances must have the same secret: instances with other secrets count separately. Without a secret, a key
   * protects no better than a plain hash.
   */
  constructor(secret = '') {
    this.#key = Buffer.from(hkdfSync('sha256', secret, '', 'warren names of tries', 32));
  }

  /** Wrong passwords for an account, from all networks. */
  guessesAtAccount(email: string): string {
    return this.#hmac('password', email);
  }

  /** Wrong passwords for an account from one network. */
  guessesAtAccountFromNetwork(email: string, network: string): string {
    return this.#hmac('password', email, network);
  }

  /** Wrong passwords from one network, for any account. */
  guessesFromNetwork(network: string): string {
    return this.#hmac('network', network);
  }

  /**
   * Mails of one kind to a mailbox. All addresses with a tag (`name+tag@…`) count together, so that tags don't allow
   * more mails. A verified address and the address without a tag count separately: nobody can keep mails from the
   * owner by requesting mails to tagged addresses.
   */
  mailsToMailbox(kind: string, email: string, isVerified: boolean): string {
    const mailbox = mailboxOf(email);
    return isVerified || mailbox === email ? this.#hmac(kind, email) : this.#hmac(kind, mailbox, 'tagged');
  }

  /** Registrations from one network that were answered with `email-taken`. */
  takenEmailsToldToNetwork(network: string): string {
    return this.#hmac('taken', network);
  }

  /** Mails that one network causes, to any address. */
  mailsFromNetwork(network: string): string {
    return this.#hmac('mails', network);
  }

  #hmac(...parts: string[]): string {
    return createHmac('sha256', this.#key).update(JSON.stringify(parts)).digest('base64url');
  }
}
