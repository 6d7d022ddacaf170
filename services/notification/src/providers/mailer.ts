/** A mail, complete but for its sender. */
export interface OutgoingMail {
  /** The same each time it is tried: it makes the Message-ID (RFC 5322), by which a repeat can be recognised. */
  id: string;
  to: string;
  subject: string;
  text: string;
  html: string;
  date: Date;
}

/** Brings mails to a mail server, or wherever. */
export interface Mailer {
  /**
   * Resolves when it is out of our hands. The signal ends a try that takes too long: it may have arrived all the same.
   *
   * @throws Undeliverable where no repeat helps
   */
  send(mail: OutgoingMail, signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}
