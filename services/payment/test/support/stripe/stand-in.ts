import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import Stripe from 'stripe';
import { ApiError, type Intent, type Params, StripeAccount } from './account.js';
import { IdempotencyKeys, type Reply } from './idempotency.js';

export interface Call {
  method: string;
  /** Without the version: `/payment_intents/pi_…/confirm`. */
  path: string;
  params: Params;
  idempotencyKey: string | undefined;
}

/**
 * `cut-…`: the connection is closed before or after the request is processed. `hang`: processed, but never answered.
 * `busy` and `throttled`: too many calls, with the status 429 or 400.
 */
export type Fault = 'cut-before' | 'cut-after' | 'hang' | 'busy' | 'throttled' | 'none';

export const secretKey = 'sk_test_standin';
export const webhookSecret = 'whsec_standin';

/** A server with Stripe's documented API, for the SDK's `host` setting. */
export class StripeStandIn {
  readonly account = new StripeAccount();
  readonly calls: Call[] = [];
  /** Decides the fault of each call. */
  fault: (call: Call) => Fault = () => 'none';
  /** Whether the search finds anything. False simulates a search that lags behind. */
  searchSees = true;
  /** Fields that the search shows with older values. */
  searchSaw: Partial<Intent> = {};
  /** Whether the account has a search. Some accounts have none. */
  hasSearch = true;
  readonly keys = new IdempotencyKeys();
  readonly #server: Server = createServer((request, response) => {
    this.#serve(request, response).catch((error: unknown) => response.destroy(error as Error));
  });

  static async start(): Promise<StripeStandIn> {
    const standIn = new StripeStandIn();
    await new Promise<void>((resolve) => standIn.#server.listen(0, '127.0.0.1', resolve));
    return standIn;
  }

  get url(): URL {
    return new URL(`http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`);
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const call = await read(request);
    this.calls.push(call);
    const fault = this.fault(call);
    if (fault === 'cut-before') return void response.destroy();
    let reply: Reply & { replayed?: boolean };
    try {
      if (request.headers.authorization !== `Bearer ${secretKey}`)
        throw new ApiError(401, { type: 'invalid_request_error', message: 'Invalid API Key provided' });
      if (fault === 'busy' || fault === 'throttled')
        throw new ApiError(fault === 'busy' ? 429 : 400, {
          type: 'invalid_request_error',
          code: 'rate_limit',
          message: 'Slow down',
        });
      reply = await this.#answer(call);
    } catch (error) {
      reply = replyTo(error);
    }
    if (fault === 'cut-after') return void response.destroy();
    if (fault === 'hang') return;
    response.writeHead(reply.status, {
      'content-type': 'application/json',
      'request-id': 'req_standin',
      ...(reply.replayed && { 'idempotent-replayed': 'true' }),
    });
    response.end(JSON.stringify(reply.body));
  }

  async #answer(call: Call): Promise<Reply & { replayed?: boolean }> {
    const work = async (): Promise<Reply> => {
      try {
        return { status: 200, body: structuredClone(this.#handle(call)) };
      } catch (error) {
        return replyTo(error);
      }
    };
    if (call.method !== 'POST' || call.idempotencyKey === undefined) return work();
    return this.keys.once(call.idempotencyKey, `${call.path} ${JSON.stringify(call.params)}`, work);
  }

  #handle({ method, path, params }: Call): unknown {
    const { account } = this;
    const [, resource, id = '', action] = path.split('/');
    switch (`${method} ${resource} ${action ?? (id ? (id === 'search' ? id : 'one') : 'all')}`) {
      case 'POST payment_intents all':
        return account.createIntent(params);
      case 'POST payment_intents confirm':
        return account.confirm(id);
      case 'POST payment_intents cancel':
        return account.cancel(id);
      case 'GET payment_intents one':
        return account.intent(id);
      case 'GET payment_intents search':
        return { object: 'search_result', has_more: false, data: this.#search(String(params.query)) };
      case 'GET payment_intents all':
        return list(account.intentsMade(params.created as Record<string, string>), params);
      case 'POST refunds all':
        return account.createRefund(params);
      case 'GET refunds one':
        return account.refund(id);
      case 'GET refunds all':
        return list(account.refundsOf(String(params.payment_intent)), params);
      default:
        throw new ApiError(404, {
          type: 'invalid_request_error',
          message: `Unrecognized request URL ${path}`,
        });
    }
  }

  #search(query: string): unknown[] {
    const [, name = '', value] = /^metadata\['(\w+)'\]:'([^']*)'$/.exec(query) ?? [];
    const message = 'Search is not available for this account';
    if (!this.hasSearch) throw new ApiError(400, { type: 'invalid_request_error', message });
    if (!this.searchSees) return [];
    const found = [...this.account.intents.values()].filter(({ metadata }) => metadata[name] === value);
    return found.map((intent) => ({ ...intent, ...this.searchSaw }));
  }
}

/** Body and signature of a webhook, as Stripe sends them. */
export function signedWebhook(
  type: string,
  object: unknown,
  { secret = webhookSecret, timestamp = Math.floor(Date.now() / 1_000) } = {},
): { body: string; signature: string } {
  const body = JSON.stringify({ id: 'evt_1', object: 'event', type, data: { object } });
  const signature = new Stripe(secretKey).webhooks.generateTestHeaderString({
    payload: body,
    secret,
    timestamp,
  });
  return { body, signature };
}

function list(all: { id: string }[], params: Params) {
  const after = all.findIndex(({ id }) => id === params.starting_after) + 1;
  const limit = Number(params.limit ?? 10);
  const data = all.slice(after, after + limit);
  return { object: 'list', has_more: after + limit < all.length, data };
}

function replyTo(error: unknown): Reply {
  if (!(error instanceof ApiError)) throw error;
  return { status: error.status, body: { error: error.error } };
}

async function read(request: IncomingMessage): Promise<Call> {
  const url = new URL(request.url ?? '/', 'http://standin');
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const form =
    request.method === 'POST' ? new URLSearchParams(Buffer.concat(chunks).toString()) : url.searchParams;
  const key = request.headers['idempotency-key'];
  return {
    method: request.method ?? '',
    path: url.pathname.replace(/^\/v1/, ''),
    params: nested(form),
    idempotencyKey: typeof key === 'string' ? key : undefined,
  };
}

/** `metadata[operation_id]=x` is `{ metadata: { operation_id: 'x' } }`. */
function nested(form: URLSearchParams): Params {
  const params: Record<string, unknown> = {};
  for (const [name, value] of form) {
    const [, outer = name, inner] = /^(\w+)\[(\w+)\]$/.exec(name) ?? [];
    if (inner === undefined) params[outer] = value;
    else params[outer] = { ...(params[outer] as object | undefined), [inner]: value };
  }
  return params;
}
