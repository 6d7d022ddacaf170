import { type DomainEvent, PermanentError, serviceOfSource } from '@warren/contracts';
import type { NotificationRequested } from '@warren/notification-contract';
import { faultsOf } from '@warren/notification-contract/notices';
import type { NotificationTx } from '../context.js';
import { securityAlert } from '../domain/notices/account-kinds.js';
import { type NoticeKind, requestedKind } from '../domain/notices/kind.js';
import { ownKinds } from '../domain/notices/own-kinds.js';
import { pathOf } from '../domain/notices/templates.js';
import { onlyNamed, peopleNamed, unfitValues } from '../domain/notices/values.js';
import { noteRequestedKind } from '../store/notice-kinds.js';
import { holdPeople } from '../store/user-copies.js';
import { notify } from './notify.js';

/** Kinds of notice that one service may have. */
const mostKinds = 100;
/** Characters of a path with its values. Push services accept 4 KB in all. */
const longestPath = 1_000;

export type NoticeRequest = DomainEvent<'notification.requested', NotificationRequested>;

/**
 * Writes a notice that another service requests.
 *
 * @throws PermanentError for values or a definition that aren't valid, and for a kind that the service may not have
 * @throws UnknownPersonError if there is no copy yet of the reader, or of somebody whom the notice names
 */
export async function writeRequestedNotice(tx: NotificationTx, event: NoticeRequest): Promise<void> {
  const { userId, values } = event.data;
  const kind = kindOf(event);
  const unfit = unfitValues(kind, values);
  if (unfit.length > 0) throw new PermanentError(`The values do not fit ${kind.kind}: ${unfit.join(', ')}`);
  if (pathOf(kind, values).length > longestPath)
    throw new PermanentError(
      `The path of ${kind.kind} with these values is longer than ${longestPath} characters`,
    );
  const people = await holdPeople(tx, peopleOf(event.data));
  const notice = { userId, eventId: event.id, kind, values: onlyNamed(kind, values) };
  await notify(tx, [notice], people);
  if (event.data.definition && !(await noteRequestedKind(tx, serviceOfSource(event), kind, mostKinds)))
    throw new PermanentError(
      `${serviceOfSource(event)} may not have the kind ${kind.kind}: another service has it, or this would be kind ${mostKinds + 1}`,
    );
}

/** The ids of the reader and of everybody whom the notice names. */
export function peopleOf({ userId, kind, values, definition }: NotificationRequested): string[] {
  const known = definition ? requestedKind(kind, definition) : securityAlert;
  return [userId, ...peopleNamed(known, values)];
}

function kindOf(event: NoticeRequest): NoticeKind {
  const { kind, definition } = event.data;
  if (definition === undefined) {
    if (kind === securityAlert.kind) return securityAlert;
    // A newer build may have the kind, so the event is retried, which gives a rollout its time.
    throw new Error(`No service can request the kind of notice ${kind} without a definition`);
  }
  // The inbox has verified that this service published the event.
  const service = serviceOfSource(event);
  if (!kind.startsWith(`${service}-`) || ownKinds.some((own) => own.kind === kind))
    throw new PermanentError(
      `${service} may not define the kind of notice ${kind}: its kinds begin with ${service}-`,
    );
  const faults = faultsOf(definition);
  if (faults.length > 0)
    throw new PermanentError(`The kind of notice ${kind} is not valid: ${faults.join('; ')}`);
  return requestedKind(kind, definition);
}
