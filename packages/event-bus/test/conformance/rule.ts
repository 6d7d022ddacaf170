import type { EventBus } from '../../src/index.js';

/** What an adapter provides for one test. */
export interface BusFixture {
  /** Opens the bus of another instance. An adapter that has only one bus returns the same each time. */
  connect(): Promise<EventBus>;
  /** Cuts every connection of `bus`, as a crash would. */
  crash?(bus: EventBus): Promise<void>;
  /** All dead letters of the service so far. */
  deadLetters(service: string): Promise<DeadLetterSeen[]>;
  /** Closes every bus that `connect` has opened. */
  close(): Promise<void>;
}

export interface DeadLetterSeen {
  id: string;
  reason: string;
  attempts: number;
  firstFailedAt: string;
  errorMessage: string;
}

/** `true`, or the reason why the adapter doesn't have it. */
export type Feature = true | string;

export interface BusFeatures {
  /** A consumer can crash while the bus goes on. */
  crash: Feature;
  /** An id that is published twice is delivered twice. */
  duplicates: Feature;
  /** A confirm means that the bus has stored the event, not that every service has handled it. */
  confirmsBeforeHandling: Feature;
}

/** A bus, with a service and an event type that no other test uses. */
export interface Scene {
  fixture: BusFixture;
  features: BusFeatures;
  bus: EventBus;
  service: string;
  type: string;
}

/** One promise of `EventBus` and its test. */
export interface Rule {
  id: string;
  promise: string;
  /** The feature without which an adapter can't run it. */
  needs?: keyof BusFeatures;
  run(scene: Scene): Promise<void>;
}

/** The retry delays with which an adapter must be created, in milliseconds. */
export const conformanceRetryDelays: readonly number[] = [60, 150];
