/**
 * The origin that a text means, as browsers write it in `Origin` (RFC 6454, 6.2): scheme and host in lower case, no
 * port that is the scheme's own, no slash at the end. Answers what is wrong where it doesn't mean exactly one.
 */
export function readOrigin(text: string): { origin: string } | { problem: string } {
  const [, scheme, authority, rest] = /^([a-z][a-z0-9+.-]*):\/\/([^/?#]*)(.*)$/i.exec(text) ?? [];
  if (!scheme) return { problem: 'has no scheme' };
  if (!authority) return { problem: 'has no host' };
  if (rest && rest !== '/') return { problem: 'goes on after the host' };
  if (authority.includes('@')) return { problem: 'names a user' };
  if (authority.includes('*')) return { problem: 'has a wildcard' };
  if (!URL.canParse(text)) return { problem: 'is not a valid URL' };
  const { protocol, host } = new URL(text);
  if (host === '') return { problem: 'has no host' };
  // `URL.origin` is 'null' for the schemes that apps use, such as `capacitor:`.
  return { origin: `${protocol}//${host.toLowerCase()}` };
}

/** For an `Array` of strings in a configuration schema: `*`, or origins. Throws a sentence that names what is wrong. */
export function normaliseOrigins(texts: readonly string[]): string[] {
  return texts.map((text) => {
    if (text === '*') return text;
    const read = readOrigin(text);
    if ('origin' in read) return read.origin;
    throw new Error(
      `${JSON.stringify(text)} ${read.problem}; an origin is a scheme, a host and perhaps a port, ` +
        'for example https://app.example.org',
    );
  });
}
