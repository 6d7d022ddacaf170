import { AppError, displayNameFault } from '@warren/contracts';

/** The fields that users may change about themselves. */
export interface ProfileChange {
  displayName?: string | undefined;
  locale?: string | undefined;
  timeZone?: string | undefined;
}

/**
 * The change as it is stored.
 *
 * @throws AppError `invalid-request` with a pointer to each invalid field
 */
export function checkProfile(change: ProfileChange): ProfileChange {
  const displayName = change.displayName?.trim();
  const nameFault = displayName === undefined ? undefined : displayNameFault(displayName);
  const faults = [
    nameFault !== undefined && { pointer: '/displayName', code: nameFault },
    change.locale !== undefined && !isLocale(change.locale) && { pointer: '/locale', code: 'locale' },
    change.timeZone !== undefined &&
      !isTimeZone(change.timeZone) && { pointer: '/timeZone', code: 'time-zone' },
  ].filter((fault) => fault !== false);
  if (faults.length > 0) throw new AppError('invalid-request', { errors: faults });
  return { ...change, ...(displayName !== undefined && { displayName }) };
}

/** The fields of a change that differ from the current profile. */
export function differences(current: Required<ProfileChange>, change: ProfileChange): ProfileChange {
  const names = ['displayName', 'locale', 'timeZone'] as const;
  const differing = names.filter((name) => change[name] !== undefined && change[name] !== current[name]);
  return Object.fromEntries(differing.map((name) => [name, change[name]]));
}

function isLocale(locale: string): boolean {
  return succeeds(() => new Intl.Locale(locale));
}

function isTimeZone(timeZone: string): boolean {
  return succeeds(() => new Intl.DateTimeFormat('en', { timeZone }));
}

function succeeds(attempt: () => unknown): boolean {
  try {
    attempt();
    return true;
  } catch {
    return false;
  }
}
