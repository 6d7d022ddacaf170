/**
 * Checks an AMQP URL and adds a heartbeat interval if it has none: without heartbeats a half-open connection is never
 * noticed. Error messages never contain the URL, because it carries the password.
 */
export function brokerUrl(url: string, heartbeatSeconds: number): string {
  const parsed = parse(url);
  if (!parsed) throw new TypeError('The broker URL is not a URL');
  if (parsed.protocol !== 'amqp:' && parsed.protocol !== 'amqps:') {
    throw new TypeError('The broker URL must begin with amqp:// or amqps://');
  }
  if (!parsed.searchParams.has('heartbeat')) parsed.searchParams.set('heartbeat', String(heartbeatSeconds));
  return parsed.href;
}

/** The user of a connection to this URL. AMQP's default is `guest`. Returns `undefined` if `url` is not a URL. */
export function brokerUser(url: string): string | undefined {
  const parsed = parse(url);
  if (!parsed) return undefined;
  return parsed.username === '' && parsed.password === '' ? 'guest' : decodeURIComponent(parsed.username);
}

/** The URL in a form that may be logged: protocol, host, port and virtual host. */
export function withoutCredentials(url: string): string {
  const parsed = parse(url);
  return parsed ? `${parsed.protocol}//${parsed.host}${parsed.pathname}` : '(unreadable URL)';
}

function parse(url: string): URL | undefined {
  return URL.canParse(url) ? new URL(url) : undefined;
}
