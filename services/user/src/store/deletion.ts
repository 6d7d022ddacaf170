import { AppError } from '@warren/contracts';
import { Prisma } from '../generated/prisma/client.js';
import type { UserTx } from './database.js';

/** Leaves a tombstone in the person's place and tells everybody. Throws `not-found` if they are gone already. */
export async function deleteUser(tx: UserTx, id: string): Promise<void> {
  const { version } = await tx.user.delete({ where: { id }, select: { version: true } }).catch(asNotFound);
  const tombstone = { id, version: version + 1 };
  await tx.deletedUser.create({ data: tombstone });
  tx.publish({ type: 'user.deleted', subject: id, version: tombstone.version, data: tombstone });
}

const recordNotFound = 'P2025';

function asNotFound(error: unknown): never {
  const gone = error instanceof Prisma.PrismaClientKnownRequestError && error.code === recordNotFound;
  throw gone ? new AppError('not-found', { cause: error }) : error;
}
