import { type ErrorDefinition, errorsOf } from '@warren/contracts';

/** The error codes of the notification service, beside those of the kit. */
export const notificationErrors = {
  'preference-locked': { status: 422, temporary: false, title: 'This cannot be switched off' },
} as const satisfies Record<string, ErrorDefinition>;

/** An error with one of these codes. */
export const notificationError = errorsOf(notificationErrors);
