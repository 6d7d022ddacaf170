import type { EventBus } from '../../src/index.js';

/** What an adapter brings for one case. */
export interface BusFixture {
  /** An instance of a service with a bus of its own; an adapter without several gives the same one each time. */
  connect(): Promise<EventBus>;
  /** Takes every connection of `bus` away without a goodbye, as a crash would. */
  crash?(bus: EventBus): Promise<void>;
  /** All dead letters of the service so far. */
  deadLetters(service: string): Promise<DeadLetterSeen[]>;
  /** Closes every bus that `connect` gave. */
  close(): Promise<void>;
}

export interface DeadLetterSeen {
  id: string;
  reason: string;
  attempts: number;
  firstFailedAt: string;
  errorMessage: string;
}

/** `true`, or the reason why the adapter can't. */
export type Feature = true | string;

export interface BusFeatures {
  /** A consumer can crash while the bus lives on. */
  crash: Feature;
  /** The bus takes the same id twice and delivers it twice. */
  duplicates: Feature;
  /** A confirm means that the bus has the event, not that everyone has handled it. */
  confirmsBeforeHandling: Feature;
}

/** A bus with a service and an event type of this case's own. */
export interface Scene {
  fixture: BusFixture;
  features: BusFeatures;
  bus: EventBus;
  service: string;
  type: string;
}

export interface Rule {
  id: string;
  promise: string;
  needs?: keyof BusFeatures;
  run(scene: Scene): Promise<void>;
}

/** The retry delays which an adapter must be created with, in milliseconds. */
export const conformanceRetryDelays: readonly number[] = [60, 150];
