import { compileWriter } from '@warren/contracts/validation';
import { NoticeDefinition, type RequestableKind, type ValueType } from '../requested.js';
import { faultsOf } from './faults.js';

const check = compileWriter(NoticeDefinition);

/**
 * Defines a service's own kind of notice. Its name begins with the name of the service, such as `chat-mention`, and
 * stays in notifications and preferences for ever.
 *
 * @throws TypeError for a definition that the notification service would refuse, such as a text with an argument that
 * isn't one of the values
 */
export function defineNoticeKind<const Types extends Readonly<Record<string, ValueType>>>({
  kind,
  ...definition
}: { kind: string; values: Types } & Omit<NoticeDefinition, 'values'>): RequestableKind<Types> {
  const checked = check(definition);
  const faults = checked.ok
    ? faultsOf(definition)
    : checked.errors.map(({ pointer, code }) => `${pointer}: ${code}`);
  if (faults.length > 0) throw new TypeError(`The kind of notice ${kind} is not valid: ${faults.join('; ')}`);
  return { kind, values: definition.values, definition };
}
