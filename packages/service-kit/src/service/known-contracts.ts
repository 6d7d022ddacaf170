import { contracts, type ServiceContract } from '@warren/contracts';

/** The contracts of the services whose events this one consumes. */
export function contractsConsumedBy(contract: ServiceContract): ServiceContract[] {
  const isConsumed = (type: string) => contract.consumes.includes(type);
  return contracts.filter(
    (other) => other.service !== contract.service && Object.keys(other.emits).some(isConsumed),
  );
}
