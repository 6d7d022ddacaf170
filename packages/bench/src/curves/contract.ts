import { defineContract } from '@warren/contracts';
import { Type } from 'typebox';

export const lineWritten = 'scribe.line-written';

/** About the size of a payment's event. */
const Line = Type.Object({ number: Type.Integer(), text: Type.String() }, { additionalProperties: false });

/** Publishes lines. */
export const scribe = defineContract({
  service: 'scribe',
  emits: { [lineWritten]: Line },
  commands: {},
  feed: {},
});

/** Adds each line to a user's feed. */
export const reader = defineContract({
  service: 'reader',
  emits: {},
  commands: {},
  feed: { [lineWritten]: Line },
});
