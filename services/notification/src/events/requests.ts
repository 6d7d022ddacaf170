import { PermanentError } from '@warren/contracts';
import { compileReader } from '@warren/contracts/validation';
import {
  type NoticeKind,
  type NotificationRequested,
  noticeKinds,
  notificationContract,
} from '@warren/notification-contract';
import { react } from '@warren/service-kit';
import { validate as isUuid } from 'uuid';
import type { NotificationTx } from '../context.js';
import { onlyNamed } from '../domain/notices.js';
import { peopleNamed } from '../domain/show.js';
import { notify } from '../operations/notify.js';
import { holdPeople } from '../store/user-copies.js';

/** What services may ask for, by name. What goes by mail only has events of its own. */
const requestable = new Map(
  noticeKinds
    .filter(({ reach }) => reach === 'inbox')
    .map((kind) => [kind.kind, { kind, check: compileReader(kind.values) }]),
);

/** The kind and its values, checked. */
function asked({ kind: name, values }: NotificationRequested) {
  const known = requestable.get(name);
  // A newer build may know it: the retries give a rollout its time.
  if (known === undefined) throw new Error(`This build knows no kind of notice ${name}`);
  const checked = known.check(values);
  if (!checked.ok)
    throw new PermanentError(`The values do not fit ${name}: ${JSON.stringify(checked.errors)}`);
  return { kind: known.kind, values: onlyNamed(known.kind, values) };
}

function peopleOf({ userId, kind, values }: NotificationRequested): string[] {
  const known: NoticeKind | undefined = requestable.get(kind)?.kind;
  return [userId, ...(known ? peopleNamed(known, values).filter((id) => isUuid(id)) : [])];
}

/** Any service's own notices. */
export const requests = react(notificationContract, 'notification.requested', {
  users: ({ data }) => peopleOf(data),
  async handle(tx: NotificationTx, event) {
    const request = event.data;
    const notice = { userId: request.userId, eventId: event.id, ...asked(request) };
    await notify(tx, [notice], await holdPeople(tx, peopleOf(request)));
  },
});
