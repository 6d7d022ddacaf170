import { type Background, rounds } from '@warren/service-kit';
import { v7 as uuidv7 } from 'uuid';
import type { PaymentContext } from '../context.js';
import { eraseMore } from '../store/erasure.js';

type Dependencies = Pick<PaymentContext, 'uow' | 'log'> & {
  everyMs: number;
};

/** Erases what is too much for the transaction in which a person's deletion arrives. */
export function eraser({ uow, log, everyMs }: Dependencies): Background {
  return rounds({
    name: 'eraser',
    everyMs,
    log,
    round: () => uow.run((tx) => eraseMore(tx, uuidv7()), { admit: false }),
  });
}
