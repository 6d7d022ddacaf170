import { userInfo } from 'node:os';
import type { Io } from './io.js';

export interface AuditEntry {
  /** `dead-letters retry` */
  command: string;
  service: string;
  /** Of the event, or of the replay. */
  id: string;
  /** Of the event, or the types of the replay. */
  type: string;
  outcome: string;
}

/** One line of JSON for each thing that was changed, to be kept by whoever keeps stderr. */
export function audit(io: Io, entry: AuditEntry): void {
  io.err(JSON.stringify({ time: new Date().toISOString(), who: operatorName(), ...entry }));
}

/** The user of the operating system; an image's user has a number only. */
export function operatorName(): string {
  try {
    return userInfo().username;
  } catch {
    return `uid ${process.getuid?.() ?? 'unknown'}`;
  }
}
