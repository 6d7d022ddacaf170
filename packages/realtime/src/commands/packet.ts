import { AppError } from '@warren/contracts';
import { validate as isUuid } from 'uuid';
import { packetSize } from '../limits/packet-size.js';

export type Acknowledge = (answer: unknown) => void;

/** The parts of an event packet from a client, not validated yet. */
export interface CommandPacket {
  name: unknown;
  arguments: readonly unknown[];
  /** Undefined if the client asked for no answer. */
  acknowledge: Acknowledge | undefined;
  /** The size on the wire. */
  bytes: number;
}

/** Takes Socket.IO's event arguments apart. The acknowledgement is a last argument that is a function. */
export function readPacket(eventArguments: readonly unknown[]): CommandPacket {
  const [name, ...rest] = eventArguments;
  const last = rest.at(-1);
  const bytes = packetSize(eventArguments);
  if (!isAcknowledge(last)) return { name, arguments: rest, acknowledge: undefined, bytes };
  return { name, arguments: rest.slice(0, -1), acknowledge: last, bytes };
}

export interface CommandInput {
  input: Record<string, unknown>;
  commandId: string | undefined;
}

/** Reads the one input object of a command; a missing one counts as `{}`. Throws `AppError` `invalid-request`. */
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

/** Only Socket.IO can append a function: JSON has none. */
function isAcknowledge(value: unknown): value is Acknowledge {
  return typeof value === 'function';
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}
