import { AppError } from '@warren/contracts';
import type { FastifyBodyParser, FastifyInstance } from 'fastify';

const utf8 = new TextDecoder('utf-8', { fatal: true });

/**
 * Accepts request bodies of uncompressed JSON in UTF-8 (RFC 8259, section 8.1), and refuses all others. An empty body
 * counts as none whatever its `content-type`, since some clients send one with every request.
 */
export function useJsonBodies(http: FastifyInstance): void {
  http.removeAllContentTypeParsers();
  http.addContentTypeParser('application/json', { parseAs: 'buffer' }, jsonParser(http));
  http.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => {
    if (body.length === 0) done(null, undefined);
    else done(new AppError('unsupported-media-type', { detail: 'Send application/json' }));
  });
  // RFC 9110, section 15.5.16. Refused before the body is read.
  http.addHook('preParsing', async (request, reply) => {
    const coding = request.headers['content-encoding'];
    if (coding === undefined || coding.trim().toLowerCase() === 'identity') return;
    reply.header('accept-encoding', 'identity');
    throw new AppError('unsupported-media-type', { detail: 'Send the body without a Content-Encoding' });
  });
}

/** Like Fastify's own parser, refuses objects with `__proto__` or `constructor.prototype`. */
function jsonParser(http: FastifyInstance): FastifyBodyParser<Buffer> {
  const parse = http.getDefaultJsonParser('error', 'error');
  return (request, body, done) => {
    if (body.length === 0) return done(null, undefined);
    let text: string;
    try {
      text = utf8.decode(body);
    } catch (cause) {
      return done(new AppError('invalid-request', { detail: 'The body is not valid UTF-8', cause }));
    }
    return parse(request, text, done);
  };
}
