import type { ClientBase } from 'pg';

/**
 * The database answered COMMIT with a rollback, because a statement of the transaction had failed and the work had ignored
 * the failure. PostgreSQL reports no error then, only another command tag.
 */
export class RolledBack extends Error {
  override readonly name = 'RolledBack';

  constructor() {
    super('The database rolled back instead of committing: a statement had failed before');
  }
}

/** `command`: the command tag of the answer to COMMIT. Throws `RolledBack` unless it is COMMIT. */
export function checkCommitted(command: string): void {
  if (command !== 'COMMIT') throw new RolledBack();
}

/** Commits the transaction that is open on the connection. Throws `RolledBack` if nothing was committed. */
export async function commit(client: ClientBase): Promise<void> {
  const { command } = await client.query('COMMIT');
  checkCommitted(command);
}
