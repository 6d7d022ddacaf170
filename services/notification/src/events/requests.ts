import { notificationContract } from '@warren/notification-contract';
import { react } from '@warren/service-kit';
import { peopleOf, writeRequestedNotice } from '../operations/requested-notice.js';

/** Notices that other services request. */
export const requests = react(notificationContract, 'notification.requested', {
  users: ({ data }) => peopleOf(data),
  handle: writeRequestedNotice,
});
