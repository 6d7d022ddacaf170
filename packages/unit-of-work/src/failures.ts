/**
 * Classifies failures of the database. The same failure looks different in node-postgres, in Prisma's driver adapter and in
 * Prisma's client, which puts the SQLSTATE into `meta` or `cause`. So all codes in the chain of causes count.
 */

/** Another transaction was faster. This one was rolled back and may run again. */
export class LostRace extends Error {
  override readonly name = 'LostRace';
}

/** Whether the function `ensure` of the kit's schema raised this error. */
export function isLostRace(error: unknown): error is { message: string; detail?: string } {
  return (error as { code?: unknown } | null)?.code === 'WRACE';
}

/** Deadlocks, serialization failures and lost races: running the same work again may succeed at once. */
export function isRerunnable(error: unknown): boolean {
  if (error instanceof LostRace) return true;
  return codesOf(error).some((code) => rerunnable.has(code));
}

/**
 * A table has changed since the statement was prepared. The code 0A000 has other meanings too, so this also checks the
 * routine of the server, which is the one that validates cached plans.
 */
export function isStalePlan(error: unknown): boolean {
  const { code, routine } = (error ?? {}) as { code?: unknown; routine?: unknown };
  return code === '0A000' && routine === 'RevalidateCachedQuery';
}

/** A lock that another transaction holds was not free in time. */
export function isLockTimeout(error: unknown): boolean {
  return codesOf(error).includes('55P03');
}

/**
 * The service's own database is unreachable, shutting down, full or out of connections. Some of these codes are also used
 * if only this work was ended, by a terminated backend or a limit for one query. Only another attempt shows which.
 */
export function isInfrastructure(error: unknown): boolean {
  return links(error).some(
    (link) => codesIn(link).some((code) => infrastructure.test(code)) || lostConnection.test(textOf(link)),
  );
}

/** Either the database is unreachable, or the work itself failed. Only another attempt shows which. */
export function mayBeInfrastructure(error: unknown): boolean {
  return codesOf(error).some((code) => suspicious.has(code));
}

/**
 * Whether the database is unavailable. The failed connection may be one that the work opened to something else; then
 * `probe`, a transaction that writes, still commits.
 */
export async function isOutage(error: unknown, probe: () => Promise<void>): Promise<boolean> {
  if (isInfrastructure(error)) return true;
  if (!mayBeInfrastructure(error)) return false;
  return probe().then(
    () => false,
    () => true,
  );
}

/** 40001 serialization failure, 40P01 deadlock; the others are Prisma's names for both. */
const rerunnable = new Set(['40001', '40P01', 'P2034', 'TransactionWriteConflict']);

/**
 * Classes 08 connection exception, 28 invalid authorization, 53 insufficient resources, 57P01–57P05 shutdown, 3D000 no
 * such database; Prisma: P1000 and P1010 refused, P1001, P1002, P1017 not reachable or closed, P1003 no such database,
 * P1011 TLS, P2024 pool time-out, P2037 too many connections; and the names that its driver adapter uses.
 */
const infrastructure =
  /^(08...|28...|53...|57P0[1-5]|3D000|P10(0[0-3]|1[017])|P2024|P2037|DatabaseNotReachable|DatabaseDoesNotExist|DatabaseAccessDenied|AuthenticationFailed|TlsConnectionError|ConnectionClosed|SocketTimeout|TooManyConnections)$/;

/** Failures of `pg` and of Prisma's transaction manager that carry no code of their own. */
const lostConnection =
  /^(Connection terminated|Connection ended|timeout exceeded when trying to connect|Client has encountered a connection error|Cannot use a pool after calling end|.*Unable to start a transaction in the given time)/;

/**
 * Errors of sockets, whatever they connect to. 25006 read-only: a former primary, or a write in a read-only transaction.
 * 57014 and P2028 time-out: a database that stalls, or work that takes too long. 58030 input or output error.
 */
const suspicious = new Set([
  '25006',
  '57014',
  '58030',
  'P2028',
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
]);

type Link = Record<string, unknown>;

/** The error and its causes, at most 16 objects, since causes may form a circle. */
function links(error: unknown): Link[] {
  const found: Link[] = [];
  const waiting: unknown[] = [error];
  while (waiting.length > 0 && found.length < 16) {
    const link = waiting.shift();
    if (link === null || typeof link !== 'object' || found.includes(link as Link)) continue;
    const { cause, meta, driverAdapterError } = link as Link;
    found.push(link as Link);
    waiting.push(cause, meta, driverAdapterError);
  }
  return found;
}

function codesOf(error: unknown): string[] {
  return links(error).flatMap(codesIn);
}

function codesIn(link: Link): string[] {
  return [link.code, link.originalCode, link.kind].filter((code) => typeof code === 'string');
}

function textOf(link: Link): string {
  return typeof link.message === 'string' ? link.message : '';
}
