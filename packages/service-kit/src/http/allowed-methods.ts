import type { FastifyInstance } from 'fastify';

/** Knows the methods of each path, so that a request with a wrong method gets 405 instead of 404. */
export class AllowedMethods {
  readonly #routes: { pattern: RegExp; method: string }[] = [];

  /** Collects the routes that are added from now on. */
  watch(http: FastifyInstance): void {
    http.addHook('onRoute', ({ url, method }) => {
      const pattern = toPattern(url);
      for (const each of [method].flat()) this.#add(pattern, each);
    });
  }

  /** Every path answers `OPTIONS`, for preflights of browsers, so it doesn't count. */
  #add(pattern: RegExp, method: string): void {
    if (method !== 'OPTIONS') this.#routes.push({ pattern, method });
  }

  /** The methods of the path of this URL, sorted; empty for an unknown path. */
  at(url: string): string[] {
    const path = url.split('?', 1)[0] ?? url;
    const methods = this.#routes.filter(({ pattern }) => pattern.test(path)).map(({ method }) => method);
    return [...new Set(methods)].sort();
  }
}

/** In the path of a route, `:id` matches one segment and `*` matches the rest. */
function toPattern(url: string): RegExp {
  const segments = url.split('/').map((segment) => {
    if (segment.startsWith(':')) return '[^/]+';
    return segment.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '.*');
  });
  return new RegExp(`^${segments.join('/')}$`);
}
