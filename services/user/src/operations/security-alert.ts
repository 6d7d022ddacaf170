import { noticeRequest, securityAlert } from '@warren/notification-contract';
import { v7 } from 'uuid';
import type { UserTx } from '../context.js';

export type SecurityChange = 'password-changed' | 'password-reset' | 'token-reused';

/** Tells the owner of an account of a change that may have been made by somebody else. */
export function sendSecurityAlert(tx: UserTx, userId: string, what: SecurityChange, at: Date): void {
  tx.publish({
    type: 'notification.requested',
    subject: v7(),
    version: 1,
    data: noticeRequest(securityAlert, userId, { what, at: at.toISOString() }),
    about: userId,
  });
}
