import { createECDH } from 'node:crypto';
import webPush from 'web-push';
import type { Config } from '../config.js';
import type { VapidKeys } from '../domain/vapid.js';

export function generateVapidKeys(): VapidKeys {
  return webPush.generateVAPIDKeys();
}

/** The keys in the configuration; `undefined` if there are none. @throws TypeError if there is only one */
export function configuredVapidKeys(
  config: Pick<Config, 'VAPID_PUBLIC_KEY' | 'VAPID_PRIVATE_KEY'>,
): VapidKeys | undefined {
  const { VAPID_PUBLIC_KEY: publicKey, VAPID_PRIVATE_KEY: privateKey } = config;
  if ((publicKey === undefined) !== (privateKey === undefined))
    throw new TypeError('VAPID_PUBLIC_KEY and VAPID_PRIVATE_KEY go together: set both or none');
  return publicKey !== undefined && privateKey !== undefined ? { publicKey, privateKey } : undefined;
}

/**
 * Checks that the keys belong together and can sign with this subject. With wrong ones, every push would fail.
 *
 * @throws TypeError with the name of the setting, but not its value
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
