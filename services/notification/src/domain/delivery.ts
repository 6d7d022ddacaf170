import type { UnderWay } from './fair-share.js';

/** A delivery that this process has taken. No other process takes it until its lease ends. */
export interface TakenDelivery extends UnderWay {
  id: string;
  kind: string;
  content: unknown;
  /** How often the delivery was taken, this time included. Only the process that took it last can settle it. */
  attempts: number;
  giveUpAt: Date;
  createdAt: Date;
  /** The person is waiting for this mail, which has an address of its own. */
  isAwaited: boolean;
  /** Where a mail goes: its own address, or else the person's. Null while neither is known. */
  address: string | null;
  /** Whether this service may mail the address: it is the mail's own, or verified. Null while this is not known. */
  mayMail: boolean | null;
  /** Where a push goes. Null if the subscription is gone or now belongs to somebody else. */
  subscription: PushSubscription | null;
}

/** A browser's subscription for pushes. One that was renewed with other keys counts as another one. */
export interface PushSubscription {
  id: string;
  endpoint: string;
  p256dh: string;
  auth: string;
}
