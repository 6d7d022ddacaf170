import { revocationsPerPage } from '@warren/contracts';
import type { Doors, KitConfig } from '@warren/service-kit';
import type { userContract } from '@warren/user-contract';
import { keyKeeper, pruner } from './background/tasks.js';
import { presenceCommands } from './commands/presence.js';
import type { UserConfig } from './config.js';
import type { Clock, Context } from './context.js';
import { mailsFromOneNetwork, takenFromOneNetwork } from './domain/attempts.js';
import { normalizeEmail } from './domain/email.js';
import { tokensEnd } from './domain/sessions.js';
import { admin } from './http/admin.js';
import { deletion } from './http/deletion.js';
import { emailVerifications } from './http/email-verifications.js';
import { internalRevocations } from './http/internal-revocations.js';
import { keys } from './http/keys.js';
import type { Parts } from './http/parts.js';
import { password } from './http/password.js';
import { passwordResets } from './http/password-resets.js';
import { profile } from './http/profile.js';
import { registration } from './http/registration.js';
import { sessions } from './http/sessions.js';
import { signInRoutes } from './http/sign-in.js';
import { TimedAnswers } from './http/timed-answers.js';
import { createEndSessions } from './operations/end-sessions.js';
import { firstKeys } from './operations/first-keys.js';
import { keepKeys } from './operations/keep-keys.js';
import { createProvePassword } from './operations/prove-password.js';
import { createPresence } from './presence/presence.js';
import { AccessTokens } from './security/access-tokens.js';
import { KeyRing } from './security/key-ring.js';
import { Passwords } from './security/passwords.js';
import { KeySeal } from './security/sealed-keys.js';
import { TryKeys } from './security/try-keys.js';
import type { UserDb } from './store/database.js';
import { revocationPage } from './store/revocation-pages.js';
import { userSnapshots } from './store/snapshots.js';
import { defaultTiming, type Timing } from './timing.js';

const day = 86_400_000;

/** What is open to the outside, and what runs behind it. */
export async function userDoors(
  context: Context,
  timing: Timing = defaultTiming,
): Promise<Doors<UserDb, typeof userContract>> {
  const { now, lookAtKeysEvery, pruneEvery } = timing;
  const { config, client, log } = context;
  const seal = new KeySeal(config.SIGNING_KEY_SECRET, config.SIGNING_KEY_SECRET_PREVIOUS);
  const keeping = { ...context, schedule: scheduleOf(config), seal, now };
  if (!config.SIGNING_KEY_SECRET)
    log.warn('SIGNING_KEY_SECRET is not set: private signing keys lie open in the database');
  const ring = new KeyRing();
  await ring.replace(await firstKeys(() => keepKeys(keeping), log));
  const parts = await partsOf(context, ring, now);
  const presence = createPresence(context);
  const routes = [
    registration,
    signInRoutes,
    sessions,
    profile,
    password,
    passwordResets,
    emailVerifications,
    deletion,
  ];
  return {
    http: [...routes.map((route) => route(parts)), keys(ring)],
    internal: [internalRevocations({ client, config, now }), admin(context)],
    commands: presenceCommands(presence.watchers),
    snapshots: [userSnapshots],
    background: [
      keyKeeper({ ...keeping, ring }, lookAtKeysEvery),
      pruner({ client, uow: context.uow, now, log }, pruneEvery),
      ...presence.background,
      parts.timedAnswers,
    ],
    keys: ring.verificationKeys,
    revocations: (after) =>
      revocationPage(client, now(), {
        after,
        limit: revocationsPerPage,
        messaging: config.MESSAGING_SCHEMA,
      }),
  };
}

async function partsOf({ config, client, uow, log }: Context, ring: KeyRing, now: Clock): Promise<Parts> {
  const passwords = await Passwords.create();
  const tryKeys = new TryKeys(config.SIGNING_KEY_SECRET);
  const tokensEndOf = (at: Date) => tokensEnd(at, config.ACCESS_TOKEN_SECONDS);
  return {
    client,
    uow,
    passwords,
    tokens: new AccessTokens(ring, tokenOptions(config)),
    tryKeys,
    provePassword: createProvePassword({ client, passwords, tryKeys, now }),
    endSessions: createEndSessions(tokensEndOf),
    adminEmails: new Set(config.ADMIN_EMAILS.map(normalizeEmail)),
    timedAnswers: new TimedAnswers(log),
    signInsPerMinute: config.SIGN_INS_PER_MINUTE,
    registrationsPerMinute: config.REGISTRATIONS_PER_MINUTE,
    takenFromOneNetwork: takenFromOneNetwork(config.REGISTRATIONS_PER_MINUTE),
    mailsFromOneNetwork: mailsFromOneNetwork(config.MAILS_PER_HOUR),
    sessionEnd: (at) => new Date(at.getTime() + config.SESSION_DAYS * day),
    tokensEnd: tokensEndOf,
    now,
  };
}

function tokenOptions(config: UserConfig & KitConfig) {
  return { issuer: config.JWT_ISSUER, audience: config.JWT_AUDIENCE, lifetime: config.ACCESS_TOKEN_SECONDS };
}

function scheduleOf(config: UserConfig) {
  return { rotateEvery: config.SIGNING_KEY_DAYS * day, tokenLifetime: config.ACCESS_TOKEN_SECONDS * 1_000 };
}
