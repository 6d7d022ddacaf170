import { createECDH } from 'node:crypto';
import webPush from 'web-push';
import type { VapidKeys } from '../store/vapid-keys.js';

/**
 * Signs once. A setting that signs nothing, or with a key that browsers don't know, would fail with each push.
 *
 * @throws TypeError naming the setting, never its value
 */
export function checkVapid({ publicKey, privateKey, subject }: VapidKeys & { subject: string }): void {
  if (publicOf(privateKey) !== publicKey)
    throw new TypeError('VAPID_PRIVATE_KEY is not the private half of VAPID_PUBLIC_KEY');
  try {
    webPush.getVapidHeaders('https://push.invalid', subject, publicKey, privateKey, 'aes128gcm');
  } catch (error) {
    throw new TypeError('Nothing can be signed: VAPID_SUBJECT must be a mailto: or https: address', {
      cause: error,
    });
  }
}

function publicOf(privateKey: string): string | undefined {
  try {
    const pair = createECDH('prime256v1');
    pair.setPrivateKey(privateKey, 'base64url');
    return pair.getPublicKey('base64url');
  } catch {
    return undefined;
  }
}
