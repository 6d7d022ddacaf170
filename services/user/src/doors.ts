import type { Doors, KitConfig, ServiceContext } from '@warren/service-kit';
import { presenceCommands } from './commands/presence.js';
import type { UserConfig } from './config.js';
import { deletion } from './http/deletion.js';
import { keys } from './http/keys.js';
import { profile } from './http/profile.js';
import { registration } from './http/registration.js';
import { sessions } from './http/sessions.js';
import { createPresence } from './presence/presence.js';
import { AccessTokens } from './security/access-tokens.js';
import { Passwords } from './security/passwords.js';
import type { PrismaClient, UserDb } from './store/database.js';
import { loadSigningKeys } from './store/signing-keys.js';
import { userSnapshots } from './store/snapshots.js';

const day = 86_400_000;

type Context = ServiceContext<UserConfig, UserDb, PrismaClient>;

export async function userDoors({ config, client, uow, sockets, log }: Context): Promise<Doors<UserDb>> {
  const tokens = await AccessTokens.create(await loadSigningKeys(uow), tokenOptions(config));
  const passwords = await Passwords.create();
  const sessionEnd = () => new Date(Date.now() + config.SESSION_DAYS * day);
  const parts = { client, uow, passwords, tokens, sessionEnd };
  const presence = createPresence({ client, sockets, log });
  return {
    commands: presenceCommands(presence.watchers),
    background: presence.background,
    http: [registration(parts), sessions(parts), profile(parts), deletion(parts), keys(tokens)],
    snapshots: [userSnapshots],
    keys: tokens.verificationKeys,
  };
}

function tokenOptions(config: UserConfig & KitConfig) {
  return { issuer: config.JWT_ISSUER, audience: config.JWT_AUDIENCE, lifetime: config.ACCESS_TOKEN_SECONDS };
}
