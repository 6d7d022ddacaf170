import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import webPush from 'web-push';
import type { VapidKeys } from '../domain/vapid.js';
import { endpointRefusal, publicLookup } from './endpoint.js';
import { SubscriptionGone, Undeliverable } from './failures.js';
import type { OutgoingPush, Pusher } from './pusher.js';
import { checkVapid } from './vapid.js';

export interface WebPushOptions {
  keys: VapidKeys;
  /** The operator's contact: a `mailto:` or `https:` address. */
  subject: string;
  /** Whether endpoints may be private addresses and plain HTTP. */
  allowLocal: boolean;
  /** Most connections to one server. */
  connections: number;
  /** Default: those of the machine. */
  nameServers?: readonly string[];
}

/** Most bytes of an answer that are read. Only its status matters. */
const mostAnswerBytes = 16_384;

/**
 * Web Push: encrypts for the browser (RFC 8291) and signs with this application's key (RFC 8292). Follows no redirects.
 *
 * @throws TypeError if nothing can be signed with these keys and this subject
 */
export function createWebPush(options: WebPushOptions): Pusher {
  const { keys, subject, allowLocal, connections, nameServers } = options;
  checkVapid({ ...keys, subject });
  const agentOptions = {
    keepAlive: true,
    maxSockets: connections,
    // Ends unused connections. A push is ended by its signal.
    timeout: 20_000,
    ...(!allowLocal && { lookup: publicLookup(nameServers) }),
  };
  const agents = { http: new HttpAgent(agentOptions), https: new HttpsAgent(agentOptions) };

  async function post(endpoint: string, headers: object, body: Buffer, signal: AbortSignal): Promise<number> {
    const secure = new URL(endpoint).protocol === 'https:';
    const [send, agent] = secure ? [httpsRequest, agents.https] : [httpRequest, agents.http];
    return new Promise((resolve, reject) => {
      const request = send(endpoint, { method: 'POST', headers: { ...headers }, agent, signal }, (answer) =>
        statusOf(answer).then(resolve, reject),
      );
      request.on('error', reject);
      request.end(body);
    });
  }

  return {
    publicKey: keys.publicKey,
    refusal: (endpoint) => endpointRefusal(endpoint, allowLocal),

    async send(push, signal) {
      const { endpoint } = push.subscription;
      const refused = endpointRefusal(endpoint, allowLocal);
      if (refused !== undefined) throw new Undeliverable(refused);
      const { headers, body } = encrypted(push, { subject, ...keys });
      const status = await post(endpoint, headers, body, signal);
      if (status >= 200 && status < 300) return;
      if (status === 404 || status === 410) throw new SubscriptionGone(`http ${status}`);
      if (status === 400 || status === 413) throw new Undeliverable(`http ${status}`);
      throw Object.assign(new Error('the push service did not accept the message'), { code: 'http', status });
    },

    async close() {
      agents.http.destroy();
      agents.https.destroy();
    },
  };
}

/** @throws SubscriptionGone if the subscription's keys can't be encrypted for */
function encrypted(
  { subscription: { endpoint, p256dh, auth }, payload, topic, ttlSeconds }: OutgoingPush,
  vapidDetails: VapidKeys & { subject: string },
): { headers: object; body: Buffer } {
  try {
    const { headers, body } = webPush.generateRequestDetails({ endpoint, keys: { p256dh, auth } }, payload, {
      vapidDetails,
      TTL: ttlSeconds,
      topic,
      contentEncoding: 'aes128gcm',
    });
    if (!Buffer.isBuffer(body)) throw new TypeError('nothing was encrypted');
    return { headers, body };
  } catch (error) {
    // Any other failure is this service's own, and says nothing about the subscription.
    throw canEncrypt(p256dh, auth) ? error : new SubscriptionGone('bad-keys', { cause: error });
  }
}

function canEncrypt(p256dh: string, auth: string): boolean {
  try {
    webPush.encrypt(p256dh, auth, 'x', 'aes128gcm');
    return true;
  } catch {
    return false;
  }
}

/** Reads the answer to its end, so that the connection can serve the next push. Cuts off a long answer. */
async function statusOf(answer: IncomingMessage): Promise<number> {
  let bytes = 0;
  for await (const chunk of answer) {
    bytes += (chunk as Buffer).length;
    if (bytes > mostAnswerBytes) break;
  }
  return answer.statusCode ?? 0;
}
