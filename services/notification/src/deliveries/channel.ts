import type { OutsideChannel } from '@warren/notification-contract';
import type { TakenDelivery } from '../store/delivery-queue.js';

/** What a dispatcher needs to know of a way to people. */
export interface Channel {
  name: OutsideChannel;
  /** Most deliveries that this instance has under way on it. */
  concurrency: number;
  /** Milliseconds that a try may take here, where that is less than elsewhere. */
  mostMs?: number;
  /**
   * Sends one. The signal ends a try that takes too long.
   *
   * @throws Undeliverable where no repeat helps; anything else is tried again
   */
  send(delivery: TakenDelivery, signal: AbortSignal): Promise<void>;
  /** What a try tells of where it went; `failure` is `undefined` if it was sent. Not asked after a try that was cut off. */
  learn?(delivery: TakenDelivery, failure: unknown): Promise<void>;
  close(): Promise<void>;
}
