import type { FastifyInstance } from 'fastify';

/** Answers which methods a path takes, so that a wrong method isn't told as a wrong path. */
export class AllowedMethods {
  readonly #routes: { pattern: RegExp; method: string }[] = [];

  /** Watches the routes that are added from now on. */
  watch(http: FastifyInstance): void {
    http.addHook('onRoute', ({ url, method }) => {
      const pattern = toPattern(url);
      for (const each of [method].flat()) this.#add(pattern, each);
    });
  }

  /** `OPTIONS` is answered everywhere, for browsers' preflights, and says nothing about a path. */
  #add(pattern: RegExp, method: string): void {
    if (method !== 'OPTIONS') this.#routes.push({ pattern, method });
  }

  at(url: string): string[] {
    const path = url.split('?', 1)[0] ?? url;
    const methods = this.#routes.filter(({ pattern }) => pattern.test(path)).map(({ method }) => method);
    return [...new Set(methods)].sort();
  }
}

/** `/payments/:id/confirm` becomes a pattern in which `:id` stands for one segment and `*` for the rest. */
function toPattern(url: string): RegExp {
  const segments = url.split('/').map((segment) => {
    if (segment.startsWith(':')) return '[^/]+';
    return segment.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '.*');
  });
  return new RegExp(`^${segments.join('/')}$`);
}
