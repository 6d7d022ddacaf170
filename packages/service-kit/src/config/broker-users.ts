import { brokerUser } from '@warren/event-bus';
import type { Logger } from 'pino';
import type { KitConfig } from './kit-config.js';

type BrokerConfig = Pick<KitConfig, 'AMQP_URL' | 'AMQP_USERS'>;

/** Whether each service has a broker user of its own name, or all services connect as one user. */
export function brokerUsersOf(
  { AMQP_URL, AMQP_USERS }: BrokerConfig,
  service: string,
): 'per-service' | 'shared' {
  return AMQP_USERS ?? (AMQP_URL && brokerUser(AMQP_URL) === service ? 'per-service' : 'shared');
}

/** The others would refuse whatever this service publishes. */
export function brokerUserProblems({ AMQP_URL, AMQP_USERS }: BrokerConfig, service: string): string[] {
  if (AMQP_USERS !== 'per-service' || AMQP_URL === undefined || brokerUser(AMQP_URL) === service) return [];
  return [`AMQP_USERS is per-service, but the user in AMQP_URL is not "${service}"`];
}

export function warnOfSharedUser(
  config: BrokerConfig & Pick<KitConfig, 'DEPLOYMENT'>,
  service: string,
  log: Logger,
): void {
  if (config.DEPLOYMENT !== 'production' || config.AMQP_URL === undefined) return;
  if (brokerUsersOf(config, service) === 'shared')
    log.warn(
      'all services share one broker user, so any of them can speak for the others: give each a user of its own name',
    );
}
