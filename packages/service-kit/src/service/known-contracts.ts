import { contracts, type ServiceContract } from '@warren/contracts';

/** The types that this service emits and that some contract, its own included, consumes. */
export function consumedTypesOf(contract: ServiceContract): Set<string> {
  const consumed = new Set([contract, ...contracts].flatMap(({ consumes }) => consumes));
  return new Set(Object.keys(contract.emits).filter((type) => consumed.has(type)));
}

/** The contracts of the services whose events this one consumes. */
export function contractsConsumedBy(contract: ServiceContract): ServiceContract[] {
  const isConsumed = (type: string) => contract.consumes.includes(type);
  return contracts.filter(
    (other) => other.service !== contract.service && Object.keys(other.emits).some(isConsumed),
  );
}
