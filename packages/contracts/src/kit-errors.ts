/** What an error code means. */
export interface ErrorDefinition {
  /** The HTTP status of the problem. */
  status: number;
  /** Whether the same request may succeed later. Readers treat a code that they don't know by this flag. */
  temporary: boolean;
  title: string;
}

/**
 * The error codes that the kit itself sends, from any service: in HTTP problems, command acknowledgements, refused
 * handshakes and `session.ended`. A service adds codes of its own in its contract.
 */
export const kitErrors = {
  'invalid-request': { status: 400, temporary: false, title: 'The request does not fit its schema' },
  'idempotency-key-required': { status: 400, temporary: false, title: 'Idempotency-Key is required here' },
  'invalid-cursor': { status: 400, temporary: false, title: 'This cursor is not one of ours' },
  unauthenticated: { status: 401, temporary: false, title: 'A valid access token is required' },
  'token-expired': { status: 401, temporary: false, title: 'The access token has expired' },
  'session-revoked': { status: 401, temporary: false, title: 'This session was ended' },
  forbidden: { status: 403, temporary: false, title: 'Not allowed' },
  'not-found': { status: 404, temporary: false, title: 'Not found' },
  'unknown-command': { status: 404, temporary: false, title: 'No such command' },
  'method-not-allowed': { status: 405, temporary: false, title: 'Method not allowed' },
  'request-timeout': { status: 408, temporary: true, title: 'The request did not arrive in time' },
  'request-in-progress': {
    status: 409,
    temporary: true,
    title: 'The first request with this key is running',
  },
  'cursor-too-old': { status: 410, temporary: false, title: 'Entries after this cursor are no longer kept' },
  'payload-too-large': { status: 413, temporary: false, title: 'The payload is too large' },
  'unsupported-media-type': { status: 415, temporary: false, title: 'Only application/json is understood' },
  'idempotency-key-reused': { status: 422, temporary: false, title: 'This key came with another request' },
  'headers-too-large': { status: 431, temporary: false, title: 'The request headers are too large' },
  'rate-limited': { status: 429, temporary: true, title: 'Too many requests' },
  'too-many-sockets': { status: 429, temporary: true, title: 'Too many sockets for one user' },
  internal: { status: 500, temporary: true, title: 'Something went wrong on our side' },
  'outcome-unknown': { status: 504, temporary: true, title: 'No answer in time; it may have happened' },
  'service-overloaded': { status: 503, temporary: true, title: 'Too much work is waiting; try again' },
  'service-unavailable': { status: 503, temporary: true, title: 'Not reachable at the moment' },
} as const satisfies Record<string, ErrorDefinition>;
