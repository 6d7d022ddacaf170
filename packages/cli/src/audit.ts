import { userInfo } from 'node:os';
import type { Io } from './command.js';

export interface AuditEntry {
  /** For example `dead-letters retry`. */
  command: string;
  service: string;
  /** The event's id, or the replay's. */
  id: string;
  /** The event's type, or the types that the replay sends. */
  type: string;
  outcome: string;
}

/** Writes one line of JSON to stderr for each change that a command made. */
export function audit(io: Io, entry: AuditEntry): void {
  io.err(JSON.stringify({ time: new Date().toISOString(), who: operatorName(), ...entry }));
}

/** The operating system's user name, or the user's number where it has no name, as in a container. */
export function operatorName(): string {
  try {
    return userInfo().username;
  } catch {
    return `uid ${process.getuid?.() ?? 'unknown'}`;
  }
}
