import { AppError } from '@warren/contracts';
import type { FastifyBodyParser, FastifyInstance } from 'fastify';

const utf8 = new TextDecoder('utf-8', { fatal: true });

/**
 * What a request's body may be: JSON in UTF-8 (RFC 8259, section 8.1), as it is and not compressed. One of no bytes is
 * none, whatever type it is said to have: a client that always names one can call a route that takes no body. A route
 * that takes one refuses it.
 */
export function useJsonBodies(http: FastifyInstance): void {
  http.removeAllContentTypeParsers();
  http.addContentTypeParser('application/json', { parseAs: 'buffer' }, jsonParser(http));
  http.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => {
    if (body.length === 0) done(null, undefined);
    else done(new AppError('unsupported-media-type', { detail: 'Send application/json' }));
  });
  // Before anything is read: nobody here could tell what the bytes stand for (RFC 9110, section 15.5.16).
  http.addHook('preParsing', async (request, reply) => {
    const coding = request.headers['content-encoding'];
    if (coding === undefined || coding.trim().toLowerCase() === 'identity') return;
    reply.header('accept-encoding', 'identity');
    throw new AppError('unsupported-media-type', { detail: 'Send the body without a Content-Encoding' });
  });
}

/** Objects with `__proto__` and the like are no JSON here, as Fastify has it. */
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
