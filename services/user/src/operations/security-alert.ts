import { noticeRequest, securityAlert } from '@warren/notification-contract';
import { v7 } from 'uuid';
import type { UserTx } from '../context.js';

export type SecurityMatter = 'password-changed' | 'password-reset' | 'token-reused';

/** Has the person told of what somebody, perhaps not they, did to their account. */
export function alertOf(tx: UserTx, userId: string, what: SecurityMatter, at: Date): void {
  tx.publish({
    type: 'notification.requested',
    subject: v7(),
    version: 1,
    data: noticeRequest(securityAlert, userId, { what, at: at.toISOString() }),
    about: userId,
  });
}
