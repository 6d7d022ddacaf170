import { AppError } from '@warren/contracts';
import { validate as isUuid } from 'uuid';
import { packetSize } from '../limits/packet-size.js';

export type Acknowledge = (answer: unknown) => void;

/** One event packet of a client, taken apart but not yet believed. */
export interface CommandPacket {
  name: unknown;
  arguments: readonly unknown[];
  /** Missing where the client doesn't want an answer. */
  acknowledge: Acknowledge | undefined;
  /** On the wire. */
  bytes: number;
}

/** Socket.IO appends the acknowledgement as a function; JSON can't bring one. */
export function readPacket(packet: readonly unknown[]): CommandPacket {
  const [name, ...rest] = packet;
  const last = rest.at(-1);
  const bytes = packetSize(packet);
  if (!isAcknowledge(last)) return { name, arguments: rest, acknowledge: undefined, bytes };
  return { name, arguments: rest.slice(0, -1), acknowledge: last, bytes };
}

export interface CommandInput {
  input: Record<string, unknown>;
  commandId: string | undefined;
}

/** Throws `AppError` `invalid-request`. No argument counts as an empty object. */
export function readInput(args: readonly unknown[]): CommandInput {
  if (args.length > 1) throw new AppError('invalid-request', { detail: 'A command takes one object' });
  const [payload = {}] = args;
  if (!isPlainObject(payload)) throw invalid('', 'type');
  const { commandId, ...input } = payload;
  if (commandId === undefined) return { input, commandId };
  if (typeof commandId !== 'string' || !isUuid(commandId)) throw invalid('/commandId', 'format');
  return { input, commandId };
}

export function invalid(pointer: string, code: string): AppError {
  return new AppError('invalid-request', { errors: [{ pointer, code }] });
}

function isAcknowledge(value: unknown): value is Acknowledge {
  return typeof value === 'function';
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}
