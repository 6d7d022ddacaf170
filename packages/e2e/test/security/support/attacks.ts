import { connect } from 'node:net';
import fc from 'fast-check';
import { io } from 'socket.io-client';
import { WebSocket } from 'ws';
import { malformed, nastyValue, seldom } from './malformed.js';
import type { Contract, Route } from './open-api.js';

export interface FuzzedRequest {
  path: string;
  method: string;
  headers: Record<string, string>;
  body?: string;
}

/** Header values that fetch sends unchanged. `rawHttp` sends the ones that fetch refuses. */
const headerText = fc
  .oneof(
    fc.constantFrom('', 'Bearer', 'Bearer ', 'Basic YTpi', 'Bearer a.b.c', `Bearer ${'x'.repeat(6_000)}`),
    fc.string({ maxLength: 100 }),
  )
  .map((text) => text.replaceAll(/[^\x20-\x7e]/g, '?').trim());

/** Requests for one route from many addresses, most of them with one of the tokens. */
export function requestsFor(route: Route, tokens: readonly string[]): fc.Arbitrary<FuzzedRequest> {
  const { parameters = [], requestBody } = route.operation;
  const schema = requestBody?.content['application/json']?.schema;
  const filled = fc.record(
    Object.fromEntries(
      parameters.filter((each) => each.in !== 'header').map(({ name, schema: of }) => [name, malformed(of)]),
    ),
  );
  const body = schema
    ? fc.oneof(
        { weight: 8, arbitrary: malformed(schema).map((value) => JSON.stringify(value) ?? 'undefined') },
        { weight: 1, arbitrary: nastyValue.map((value) => `${JSON.stringify(value)}`.slice(0, -1)) },
        { weight: 1, arbitrary: fc.constantFrom('', '{', '[', '"', '{"a":1,}', '\u0000', '['.repeat(5_000)) },
      )
    : fc.constant(undefined);
  const odd = seldom(fc.record({ authorization: headerText }), {});
  const type = fc.oneof(
    { weight: 12, arbitrary: fc.constant('application/json') },
    {
      weight: 1,
      arbitrary: fc.constantFrom('text/plain', 'application/xml', 'application/json; charset=utf-7'),
    },
  );
  const key = fc.oneof(fc.uuid(), headerText, fc.constant('same'));
  const token = fc.constantFrom(...tokens);
  return fc.record({ filled, body, odd, type, key, token, address: fc.ipV4() }).map((made) => {
    const query = new URLSearchParams();
    let path = route.path;
    for (const each of parameters) {
      if (each.in === 'header') continue;
      const value = textOf(made.filled[each.name]);
      if (each.in === 'path') path = path.replace(`{${each.name}}`, encodeURIComponent(value.slice(0, 500)));
      else if (value) query.set(each.name, value.slice(0, 2_000));
    }
    const headers = {
      authorization: `Bearer ${made.token}`,
      'x-forwarded-for': made.address,
      'idempotency-key': made.key,
      ...(made.body !== undefined && { 'content-type': made.type }),
      ...made.odd,
    };
    return {
      path: query.size > 0 ? `${path}?${query}` : path,
      method: route.method,
      headers,
      ...(made.body !== undefined && { body: made.body }),
    };
  });
}

/** Replaces unpaired surrogates, which a URL can't contain. */
function textOf(value: unknown): string {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
  return text.replaceAll(/\p{Surrogate}/gu, '?');
}

/** Sends these bytes. Resolves to the answer when the server has closed the connection, or after 500 ms of silence. */
export function rawHttp(port: number, bytes: string | Uint8Array): Promise<string> {
  return new Promise((resolve) => {
    let answer = '';
    const socket = connect({ host: '127.0.0.1', port });
    socket.setTimeout(500, () => socket.destroy());
    socket.on('data', (chunk) => {
      answer += chunk.toString('latin1');
    });
    socket.on('error', () => socket.destroy());
    socket.on('close', () => resolve(answer));
    socket.end(bytes);
  });
}

/** Attempts a handshake with this `auth`. Resolves to `ready`, or to the code of the refusal. */
export function handshake(url: string, auth: Record<string, unknown>): Promise<string> {
  return new Promise((resolve) => {
    const socket = io(url, { transports: ['websocket'], forceNew: true, reconnection: false, auth });
    const end = (outcome: string) => {
      resolve(outcome); // Before the disconnect, which also emits an event.
      socket.disconnect();
    };
    socket.once('session.ready', () => end('ready'));
    socket.once('session.ended', ({ code }: { code: string }) => end(code));
    socket.once('disconnect', () => end('closed'));
    socket.once('connect_error', (error: Error & { data?: { code?: string } }) =>
      end(error.data?.code ?? error.message),
    );
  });
}

/** Text frames for a joined namespace: malformed commands of the contract, and invalid frames. */
export function frames({ service, commands }: Contract): fc.Arbitrary<string> {
  const known = [...Object.entries(commands).map(([name, { input }]) => [name, input] as const)];
  const builtIn = [
    ['feed.pull', { type: 'object', properties: { after: { type: 'string' }, limit: { type: 'integer' } } }],
    ['session.refresh', { type: 'object', properties: { token: { type: 'string' } } }],
  ] as const;
  const commandFrames = [...known, ...builtIn].map(([name, input]) =>
    fc
      .tuple(malformed(input), seldom(nastyValue, undefined), fc.nat(1_000))
      .map(
        ([value, more, id]) => `42/${service},${id}${JSON.stringify([name, value, ...(more ? [more] : [])])}`,
      ),
  );
  const rawFrames = fc
    .tuple(
      fc.constantFrom('4', '42', '43', '451-', '40', '41', '44', '2', '6', 'b'),
      fc.string({ maxLength: 80 }),
    )
    .map(([type, rest]) => `${type}${rest}`);
  return fc.oneof({ weight: 8, arbitrary: fc.oneof(...commandFrames) }, { weight: 2, arbitrary: rawFrames });
}

/** Sends all frames. Opens a new connection whenever the server closes one, and returns the number of connections. */
export async function sendFrames(
  url: string,
  namespace: string,
  token: string,
  all: string[],
): Promise<number> {
  let connections = 0;
  for (let next = 0; next < all.length; ) {
    const socket = new WebSocket(`${url.replace('http', 'ws')}/socket.io/?EIO=4&transport=websocket`);
    const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
    socket.on('error', () => socket.terminate());
    await Promise.race([new Promise((resolve) => socket.once('open', resolve)), closed]);
    connections += 1;
    socket.send(`40/${namespace},${JSON.stringify({ token })}`);
    await Promise.race([readyOn(socket), closed]);
    const until = next + 200;
    while (next < Math.min(until, all.length) && socket.readyState === WebSocket.OPEN) {
      socket.send(all[next] as string);
      next += 1;
      await new Promise((resolve) => setImmediate(resolve));
    }
    socket.close();
    await closed;
  }
  return connections;
}

function readyOn(socket: WebSocket): Promise<void> {
  return new Promise((resolve) => {
    socket.on('message', (data) => {
      if (String(data).includes('session.ready')) resolve();
    });
  });
}
