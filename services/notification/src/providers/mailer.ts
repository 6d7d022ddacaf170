/** A mail without its sender. */
export interface OutgoingMail {
  /** The same for all tries. It becomes the Message-ID (RFC 5322), by which mail servers recognise a repeat. */
  id: string;
  to: string;
  subject: string;
  text: string;
  html: string;
  date: Date;
}

/** Sends mails. */
export interface Mailer {
  /**
   * Resolves when somebody else has taken over the mail. The signal ends a try that takes too long; the mail may still
   * have been sent.
   *
   * @throws Undeliverable if no retry can help
   */
  send(mail: OutgoingMail, signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}
