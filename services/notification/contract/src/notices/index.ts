import { emailVerification } from './email-verification.js';
import type { NoticeKind } from './kind.js';
import { moreNotifications } from './more-notifications.js';
import { passwordReset } from './password-reset.js';
import { paymentActionRequired } from './payment-action-required.js';
import { paymentFailed } from './payment-failed.js';
import { paymentReceived } from './payment-received.js';
import { paymentRefundFailed } from './payment-refund-failed.js';
import { paymentRefunded } from './payment-refunded.js';
import { paymentSent } from './payment-sent.js';
import { securityAlert } from './security-alert.js';
import { welcome } from './welcome.js';

export * from './kind.js';
export * from './requested.js';
export { moneyValue, PersonValue, type ShownAs, TextValue, TimeValue } from './values.js';
export {
  emailVerification,
  moreNotifications,
  passwordReset,
  paymentActionRequired,
  paymentFailed,
  paymentReceived,
  paymentRefunded,
  paymentRefundFailed,
  paymentSent,
  securityAlert,
  welcome,
};

/** Every kind of notice. One that is added here needs no change where notices are written, sent and preferred. */
export const noticeKinds: readonly NoticeKind[] = [
  welcome,
  paymentSent,
  paymentReceived,
  paymentFailed,
  paymentActionRequired,
  paymentRefunded,
  paymentRefundFailed,
  securityAlert,
  passwordReset,
  emailVerification,
  moreNotifications,
];
