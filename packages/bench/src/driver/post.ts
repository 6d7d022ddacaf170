import { type Agent, request } from 'node:http';

const timeoutMs = 30_000;

/** Sends one POST over kept-alive connections. Resolves to the parsed body of a 201, and rejects otherwise. */
export function postJson(
  agent: Agent,
  url: string,
  headers: Record<string, string>,
  body: unknown,
): Promise<unknown> {
  const text = JSON.stringify(body);
  return new Promise((resolve, reject) => {
    const outgoing = request(url, {
      agent,
      method: 'POST',
      timeout: timeoutMs,
      headers: {
        ...headers,
        'content-type': 'application/json',
        'content-length': String(Buffer.byteLength(text)),
      },
    });
    outgoing.on('timeout', () => outgoing.destroy(new Error(`${url} did not answer in ${timeoutMs} ms`)));
    outgoing.on('error', reject);
    outgoing.on('response', (response) => {
      let received = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        received += chunk;
      });
      response.on('error', reject);
      response.on('end', () => {
        if (response.statusCode === 201) resolve(JSON.parse(received));
        else reject(new Error(`${url} answered ${response.statusCode}: ${received.slice(0, 500)}`));
      });
    });
    outgoing.end(text);
  });
}
