import { createLocalJWKSet, exportJWK, generateKeyPair, SignJWT } from 'jose';
import { v7 as uuidv7 } from 'uuid';

const { privateKey, publicKey } = await generateKeyPair('ES256');

/** The public keys that the service under test uses instead of the user service's. */
export const keys = createLocalJWKSet({ keys: [{ ...(await exportJWK(publicKey)), alg: 'ES256' }] });

/** An access token that the service under test accepts. */
export function tokenFor(
  userId: string,
  roles: readonly string[] = [],
  sessionId: string = uuidv7(),
): Promise<string> {
  return new SignJWT({ sid: sessionId, roles })
    .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt' })
    .setSubject(userId)
    .setIssuer('urn:warren:user')
    .setAudience('warren')
    .setExpirationTime('10 min')
    .sign(privateKey);
}
