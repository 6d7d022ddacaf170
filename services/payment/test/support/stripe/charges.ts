import { v7 as uuidv7 } from 'uuid';
import type { Operation } from '../../../src/domain/operation.js';
import { anOperation } from '../payments.js';

export function charge(paymentMethod: string, changes: Partial<Operation> = {}): Operation {
  return anOperation({ id: uuidv7(), paymentId: uuidv7(), paymentMethod, ...changes });
}

export const hoursAgo = (hours: number) => new Date(Date.now() - hours * 3_600_000);
