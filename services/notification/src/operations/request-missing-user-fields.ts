import type { NotificationContext } from '../context.js';
import { someCopyLacksFields } from '../store/user-copies.js';

type Parts = Pick<NotificationContext, 'client' | 'uow'>;

/**
 * Requests all users once more where a build that kept fewer fields made some of the copies. The copies stay in use
 * meanwhile: versions make repeats harmless. To be called before consuming starts, which is when missing copies are
 * looked for. Resolves to whether it made a request.
 */
export async function requestMissingUserFields({ client, uow }: Parts): Promise<boolean> {
  return (await someCopyLacksFields(client)) && (await uow.requestCopyAgain('user'));
}
