/**
 * Parses an origin and writes it as browsers do in the header `Origin` (RFC 6454, 6.2): scheme and host in lower case,
 * without the default port of the scheme and without a slash at the end.
 */
function readOrigin(text: string): { origin: string } | { problem: string } {
  const [, scheme, authority, rest] = /^([a-z][a-z0-9+.-]*):\/\/([^/?#]*)(.*)$/i.exec(text) ?? [];
  if (!scheme) return { problem: 'has no scheme' };
  if (!authority) return { problem: 'has no host' };
  if (rest && rest !== '/') return { problem: 'has something after the host' };
  if (authority.includes('@')) return { problem: 'has a user name' };
  if (authority.includes('*')) return { problem: 'has a wildcard' };
  if (!URL.canParse(text)) return { problem: 'is not a valid URL' };
  const { protocol, host } = new URL(text);
  if (host === '') return { problem: 'has no host' };
  // `URL.origin` is 'null' for the schemes that apps use, such as `capacitor:`.
  return { origin: `${protocol}//${host.toLowerCase()}` };
}

/** For a list of origins in a configuration schema; an entry may be `*`. Throws an error that says what is wrong. */
export function normaliseOrigins(texts: readonly string[]): string[] {
  return texts.map((text) => {
    if (text === '*') return text;
    const read = readOrigin(text);
    if ('origin' in read) return read.origin;
    throw new Error(
      `${JSON.stringify(text)} ${read.problem}; an origin is a scheme, a host and optionally a port, ` +
        'for example https://app.example.org',
    );
  });
}
