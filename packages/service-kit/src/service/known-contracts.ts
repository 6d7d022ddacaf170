import { notificationContract, paymentContract, type ServiceContract, userContract } from '@warren/contracts';

const all: readonly ServiceContract[] = [userContract, paymentContract, notificationContract];

/** The contracts of the services whose events this one consumes. */
export function contractsConsumedBy(contract: ServiceContract): ServiceContract[] {
  const isConsumed = (type: string) => contract.consumes.includes(type);
  return all.filter(
    (other) => other.service !== contract.service && Object.keys(other.emits).some(isConsumed),
  );
}
