import type { NotificationDb } from '../store/database.js';

/** A browser that gets pushes. */
export interface SubscribedBrowser {
  id: string;
  endpoint: string;
  createdAt: Date;
}

/** The browsers of this person, the newest subscription first. */
export async function subscribedBrowsers(db: NotificationDb, userId: string): Promise<SubscribedBrowser[]> {
  return db.pushSubscription.findMany({
    where: { userId },
    select: { id: true, endpoint: true, createdAt: true },
    orderBy: [{ createdAt: 'desc' }, { id: 'desc' }],
  });
}
