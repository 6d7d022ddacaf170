import { AppError } from '@warren/contracts';
import { routes } from '@warren/service-kit';
import { Type } from 'typebox';
import { normalizeEmail } from '../domain/email.js';
import type { PrismaClient } from '../store/database.js';
import { endSession, openSession, refreshSession } from '../store/sessions.js';
import { findByEmail } from '../store/users.js';
import type { SignInParts } from './registration.js';
import { Credentials, RefreshRequest, SignedIn } from './schemas.js';
import { signedIn } from './signed-in.js';

export interface SessionParts extends SignInParts {
  client: PrismaClient;
}

export const sessions = ({ client, uow, passwords, tokens, sessionEnd }: SessionParts) =>
  routes((http) => {
    http.post(
      '/sessions',
      { config: { auth: 'none' }, schema: { body: Credentials, response: { 201: SignedIn } } },
      async (request, reply) => {
        const row = await findByEmail(client, normalizeEmail(request.body.email));
        const matched = await passwords.matches(row?.passwordHash, request.body.password);
        if (!row || !matched) throw new AppError('wrong-credentials');
        const session = await openSession(client, row.id, sessionEnd());
        return await reply.code(201).send(await signedIn(tokens, row, session));
      },
    );

    http.post(
      '/sessions/refresh',
      { config: { auth: 'none' }, schema: { body: RefreshRequest, response: { 200: SignedIn } } },
      async (request) => {
        const refresh = await uow.run((tx) => refreshSession(tx, request.body.refreshToken, sessionEnd()));
        if (!refresh.ok) throw new AppError(refresh.code);
        const row = await client.user.findUnique({ where: { id: refresh.userId } });
        if (!row) throw new AppError('session-revoked');
        return await signedIn(tokens, row, refresh.session);
      },
    );

    http.delete(
      '/sessions/current',
      { schema: { response: { 204: Type.Null() } } },
      async (request, reply) => {
        await endSession(client, request.principal.sessionId, request.principal.userId);
        return await reply.code(204).send(null);
      },
    );
  });
