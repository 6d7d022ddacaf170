import type { NotificationContext } from '../context.js';
import { someCopyLacksFields } from '../store/user-copies.js';

type Dependencies = Pick<NotificationContext, 'client' | 'uow'>;

/**
 * Requests all users again if an older build, which kept fewer fields, made some of the copies. The copies stay in use
 * in the meantime: their versions make repeats harmless. Call it before consuming starts, since that is when the kit
 * looks for missing copies. Resolves to whether it made a request.
 */
export async function requestMissingUserFields({ client, uow }: Dependencies): Promise<boolean> {
  return (await someCopyLacksFields(client)) && (await uow.requestCopyAgain('user'));
}
