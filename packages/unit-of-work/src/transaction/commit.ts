import type { ClientBase } from 'pg';

/**
 * The database answered COMMIT with a rollback: a statement of the transaction had failed, and nobody had let that
 * failure through. PostgreSQL reports no error then, only another command tag.
 */
export class RolledBack extends Error {
  override readonly name = 'RolledBack';

  constructor() {
    super('The database rolled back instead of committing: a statement had failed before');
  }
}

/** `command`: the tag that a COMMIT was answered with. Throws `RolledBack` unless it is COMMIT. */
export function checkCommitted(command: string): void {
  if (command !== 'COMMIT') throw new RolledBack();
}

/** Commits the transaction that is open on the connection. Throws `RolledBack` where nothing was committed. */
export async function commit(client: ClientBase): Promise<void> {
  const { command } = await client.query('COMMIT');
  checkCommitted(command);
}
