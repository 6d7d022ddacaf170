import type { SnapshotSource } from '@warren/unit-of-work';
import type { userContract } from '@warren/user-contract';
import type { UserDb } from './database.js';
import { toUser } from './users.js';

/** Users and tombstones, ordered by id. */
export const userSnapshots: SnapshotSource<UserDb, typeof userContract> = {
  type: 'user.snapshot',
  async page(db, after, limit) {
    const page = {
      where: after === undefined ? {} : { id: { gt: after } },
      orderBy: { id: 'asc' },
      take: limit,
    } as const;
    const users = (await db.user.findMany(page)).map((row) => ({ version: row.version, data: toUser(row) }));
    const tombstones = (await db.deletedUser.findMany({ ...page, select: { id: true, version: true } })).map(
      (tombstone) => ({ version: tombstone.version, data: tombstone }),
    );
    return [...users, ...tombstones]
      .map(({ version, data }) => ({ subject: data.id, version, data }))
      .sort((a, b) => (a.subject < b.subject ? -1 : 1))
      .slice(0, limit);
  },
};
