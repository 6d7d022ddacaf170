import type { User, UserTombstone } from '@warren/contracts';
import type { EventHandler } from '@warren/unit-of-work';
import type { PaymentDb } from '../store/database.js';
import { keepUserCopy } from '../store/user-copies.js';

/** Keeps the copy of users: who exists and who is gone. */
export const userProjections: EventHandler<PaymentDb>[] = [
  projection('user.registered', false),
  projection('user.updated', false),
  projection('user.deleted', true),
];

function projection(type: string, deleted: boolean): EventHandler<PaymentDb> {
  return {
    kind: 'project',
    type,
    async handle(tx, event) {
      const { id } = event.data as User | UserTombstone;
      await keepUserCopy(tx, { id, version: event.entityversion, deleted });
    },
  };
}
