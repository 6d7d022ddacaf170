import { createHmac, hkdfSync } from 'node:crypto';
import { mailboxOf } from '../domain/email.js';

/**
 * Names what tries are counted under. With a secret, nobody who reads the database finds out whom a count is of, not
 * even by going through all addresses that they know.
 */
export class TryKeys {
  readonly #key: Buffer;

  /** All instances have the same secret, or each counts for itself. Without one a name is as good as a plain hash. */
  constructor(secret = '') {
    this.#key = Buffer.from(hkdfSync('sha256', secret, '', 'warren names of tries', 32));
  }

  /** Failures to prove an account's password, from anywhere. */
  guesses(email: string): string {
    return this.#name('password', email);
  }

  /** Those from one network. */
  guessesFrom(network: string, email: string): string {
    return this.#name('password', email, network);
  }

  /** Those from one network, whatever the account. */
  allGuessesFrom(network: string): string {
    return this.#name('network', network);
  }

  /**
   * Mails of one kind to a mailbox. Addresses with a tag count together, or each would have mails of its own; one that
   * is proven counts by itself, and so does the one without a tag: nobody keeps mails from its owner by asking for
   * other addresses of the mailbox.
   */
  mails(kind: string, email: string, isProven: boolean): string {
    const mailbox = mailboxOf(email);
    return isProven || mailbox === email ? this.#name(kind, email) : this.#name(kind, mailbox, 'tagged');
  }

  /** Registrations from one network that were told that the address is taken. */
  takenFrom(network: string): string {
    return this.#name('taken', network);
  }

  /** Mails that one network causes, to whatever address. */
  allMailsFrom(network: string): string {
    return this.#name('mails', network);
  }

  #name(...parts: string[]): string {
    return createHmac('sha256', this.#key).update(JSON.stringify(parts)).digest('base64url');
  }
}
