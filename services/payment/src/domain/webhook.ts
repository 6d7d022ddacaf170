/** How a provider's webhook events come in. */
export interface Webhook {
  /** The path of the route, `/webhooks/…`. */
  path: string;
  /** Lower-case name of the header with the signature. */
  signatureHeader: string;
  /**
   * The operation that the event is about, `undefined` if it is about none. An event may be late, early or a repeat, so
   * it only makes the service ask the provider for the state of the operation.
   *
   * @throws AppError `invalid-signature` for an event that is forged, changed or too old
   */
  read(body: Buffer, signature: string | undefined): WebhookEvent | undefined;
}

export interface WebhookEvent {
  operationId: string;
  /** The provider's name for what the operation made. Kept where the provider's answer was lost. */
  reference: string;
  /** Whether it says that the payment succeeded. */
  saysPaid: boolean;
}
