import { revocationsPerPage } from '@warren/contracts';
import type { Background, Doors } from '@warren/service-kit';
import type { userContract } from '@warren/user-contract';
import { presenceCommands } from './commands/presence.js';
import { PresenceWatchers } from './commands/watchers.js';
import type { Clock, UserContext } from './context.js';
import { AttemptKeys } from './domain/attempt-keys.js';
import { mailsFromNetwork, takenEmailsToldToNetwork } from './domain/attempts.js';
import { normalizeEmail } from './domain/email.js';
import { KeySeal } from './domain/sealed-keys.js';
import { lifetimesOf } from './domain/sessions.js';
import { accountRoutes } from './http/account.js';
import { emailVerificationRoutes } from './http/email-verifications.js';
import { internalRoutes } from './http/internal.js';
import { jwksRoutes } from './http/jwks.js';
import { passwordResetRoutes } from './http/password-resets.js';
import { profileRoutes } from './http/profile.js';
import { registrationRoutes } from './http/registration.js';
import { sessionRoutes } from './http/sessions.js';
import { signInRoutes } from './http/sign-in.js';
import { TimedAnswers } from './http/timed-answers.js';
import { keyKeeper } from './jobs/key-keeper.js';
import { PresenceRecorder } from './jobs/presence-recorder.js';
import { pruner } from './jobs/pruner.js';
import { createChangePassword } from './operations/change-password.js';
import { createDeleteAccount } from './operations/delete-account.js';
import type { OperationDependencies } from './operations/dependencies.js';
import { createEndSession } from './operations/end-session.js';
import { createIssueTokens } from './operations/issue-tokens.js';
import { createKeepSigningKeys, loadKeysAtStart } from './operations/keep-signing-keys.js';
import { createPrune } from './operations/prune.js';
import { PresenceRecord } from './operations/record-presence.js';
import { createRefresh } from './operations/refresh.js';
import { createRegister } from './operations/register.js';
import { createRequestMail } from './operations/request-mail.js';
import { createResetPassword } from './operations/reset-password.js';
import { createSetRoles } from './operations/set-roles.js';
import { createSignIn } from './operations/sign-in.js';
import { createUpdateProfile } from './operations/update-profile.js';
import { createVerifyEmail } from './operations/verify-email.js';
import { createVerifyPassword } from './operations/verify-password.js';
import { AccessTokens, KeyRing } from './providers/access-tokens.js';
import { Passwords } from './providers/passwords.js';
import { readPresences } from './queries/presence.js';
import { revocationPage } from './queries/revocations.js';
import type { UserDb } from './store/database.js';
import { userSnapshots } from './store/snapshots.js';
import { defaultTiming } from './timing.js';

const day = 86_400_000;

/** The doors and jobs of the service. Resolves when the signing keys are loaded. */
export async function userDoors(
  context: UserContext,
  timing = defaultTiming,
  now: Clock = () => new Date(),
): Promise<Doors<UserDb, typeof userContract>> {
  const { config, client, log } = context;
  const keyRing = new KeyRing();
  const keepSigningKeys = keepSigningKeysIn(keyRing, context, now);
  await loadKeysAtStart(keepSigningKeys, log);
  const operations = await operationDependencies(context, keyRing, now);
  const requestMail = createRequestMail(operations);
  const timedAnswers = new TimedAnswers(log);
  const presence = presenceDoors(context);
  const { keepKeysEveryMs, pruneEveryMs } = timing;
  return {
    http: [
      registrationRoutes({
        register: createRegister(operations),
        registrationsPerMinute: config.REGISTRATIONS_PER_MINUTE,
      }),
      signInRoutes({
        signIn: createSignIn(operations),
        refresh: createRefresh(operations),
        signInsPerMinute: config.SIGN_INS_PER_MINUTE,
      }),
      sessionRoutes({ ...context, endSession: createEndSession(operations), now }),
      profileRoutes({ ...context, updateProfile: createUpdateProfile(operations) }),
      accountRoutes({
        changePassword: createChangePassword(operations),
        deleteAccount: createDeleteAccount(operations),
        deletionsPerMinute: config.REGISTRATIONS_PER_MINUTE,
      }),
      passwordResetRoutes({ requestMail, resetPassword: createResetPassword(operations), timedAnswers }),
      emailVerificationRoutes({ ...context, requestMail, verifyEmail: createVerifyEmail(operations) }),
      jwksRoutes({ publicKeys: () => keyRing.jwks }),
    ],
    internal: [internalRoutes({ ...context, setRoles: createSetRoles(context), now })],
    commands: presence.commands,
    snapshots: [userSnapshots],
    background: [
      keyKeeper({ log, keepSigningKeys, everyMs: keepKeysEveryMs }),
      pruner({ log, prune: createPrune({ ...context, now }), everyMs: pruneEveryMs }),
      ...presence.background,
      timedAnswers,
    ],
    keys: keyRing.verificationKeys,
    revocations: (after) =>
      revocationPage(client, now(), {
        after,
        limit: revocationsPerPage,
        messaging: config.MESSAGING_SCHEMA,
      }),
  };
}

function keepSigningKeysIn(keyRing: KeyRing, { client, config, log }: UserContext, now: Clock) {
  if (!config.SIGNING_KEY_SECRET)
    log.warn('SIGNING_KEY_SECRET is not set: the database stores private signing keys in plain text');
  return createKeepSigningKeys({
    client,
    schedule: {
      rotateEveryMs: config.SIGNING_KEY_DAYS * day,
      tokenLifetimeMs: config.ACCESS_TOKEN_SECONDS * 1_000,
    },
    seal: new KeySeal(config.SIGNING_KEY_SECRET, config.SIGNING_KEY_SECRET_PREVIOUS),
    keyRing,
    now,
  });
}

async function operationDependencies(
  { client, uow, config }: UserContext,
  keyRing: KeyRing,
  now: Clock,
): Promise<OperationDependencies> {
  const passwords = await Passwords.create();
  const attemptKeys = new AttemptKeys(config.SIGNING_KEY_SECRET);
  const accessTokens = new AccessTokens(keyRing, {
    issuer: config.JWT_ISSUER,
    audience: config.JWT_AUDIENCE,
    lifetimeSeconds: config.ACCESS_TOKEN_SECONDS,
  });
  const adminEmails = new Set(config.ADMIN_EMAILS.map(normalizeEmail));
  return {
    client,
    uow,
    passwords,
    verifyPassword: createVerifyPassword({ client, passwords, attemptKeys, now }),
    issueTokens: createIssueTokens({ accessTokens, adminEmails }),
    attemptKeys,
    limits: {
      takenEmails: takenEmailsToldToNetwork(config.REGISTRATIONS_PER_MINUTE),
      mails: mailsFromNetwork(config.MAILS_PER_HOUR),
    },
    lifetimes: lifetimesOf({
      sessionDays: config.SESSION_DAYS,
      accessTokenSeconds: config.ACCESS_TOKEN_SECONDS,
    }),
    now,
  };
}

const presenceTopic = 'presence';

/**
 * Who is connected, over all processes. The database holds the truth. Processes send each other only hints about users
 * whose presence may have changed, so a late or lost hint makes nothing wrong for long.
 */
function presenceDoors({ client, sockets, log }: UserContext) {
  const watchers = new PresenceWatchers({ read: (userIds) => readPresences(client, userIds), log });
  sockets.onHint(presenceTopic, (userIds) => watchers.refresh(userIds));
  const changed = (userIds: readonly string[]) => {
    watchers.refresh(userIds);
    sockets.hint(presenceTopic, userIds);
  };
  const record = new PresenceRecord({ client });
  const background: Background[] = [watchers, new PresenceRecorder({ record, sockets, changed, log })];
  return { commands: presenceCommands(watchers), background };
}
