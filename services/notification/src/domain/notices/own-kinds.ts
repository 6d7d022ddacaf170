import * as ofAccounts from './account-kinds.js';
import type { NoticeKind } from './kind.js';
import * as ofPayments from './payment-kinds.js';

/** Every kind of this service's own. */
export const ownKinds: readonly NoticeKind[] = [
  ofAccounts.welcome,
  ofPayments.paymentSent,
  ofPayments.paymentReceived,
  ofPayments.paymentFailed,
  ofPayments.paymentActionRequired,
  ofPayments.paymentRefunded,
  ofPayments.paymentRefundFailed,
  ofAccounts.securityAlert,
  ofAccounts.passwordReset,
  ofAccounts.emailVerification,
  ofAccounts.moreNotifications,
];
