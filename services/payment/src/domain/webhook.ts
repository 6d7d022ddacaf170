/** How a provider sends webhooks. */
export interface Webhook {
  /** The path of the route, `/webhooks/…`. */
  path: string;
  /** Lower-case name of the header with the signature. */
  signatureHeader: string;
  /**
   * The operation that the webhook is about; `undefined` if it is about something else. A webhook may be late, early
   * or a repeat, so it only makes the service ask the provider for the state of the operation.
   *
   * @throws AppError `invalid-signature` for a webhook that is forged, changed or too old
   */
  read(body: Buffer, signature: string | undefined): WebhookEvent | undefined;
}

export interface WebhookEvent {
  operationId: string;
  /** The provider's id of the object that the operation made. It is stored if the provider's answer was lost. */
  reference: string;
  /** Whether the webhook says that the payment succeeded. */
  saysPaid: boolean;
}
