import { type ErrorDefinition, errorsOf } from '@warren/contracts';

/** The error codes of the user service, besides the kit's. */
export const userErrors = {
  'wrong-credentials': { status: 401, temporary: false, title: 'Email or password is wrong' },
  'email-taken': { status: 409, temporary: false, title: 'This email is registered already' },
  'invalid-token': { status: 422, temporary: false, title: 'This token was used, has expired or is invalid' },
} as const satisfies Record<string, ErrorDefinition>;

/** An error with one of these codes. */
export const userError = errorsOf(userErrors);
