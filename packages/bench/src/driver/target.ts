/** What the driver knows of a system under test; travels over IPC. */
export interface Target {
  name: string;
  /** Takes a POST of one payment and answers 201 with its `id`. */
  paymentsUrl: string;
  /** The recipients' Socket.IO endpoint, namespace included. */
  socketUrl: string;
  payers: Person[];
  /** Each gets one socket, which hears `session.ready` and then a `notification.created` that names the payment. */
  recipients: Person[];
}

export interface Person {
  id: string;
  token: string;
}
