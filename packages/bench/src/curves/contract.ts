import { defineContract } from '@warren/contracts';
import { Type } from 'typebox';

export const lineWritten = 'scribe.line-written';

/** About as much as a payment's event carries. */
const Line = Type.Object({ number: Type.Integer(), text: Type.String() }, { additionalProperties: false });

/** Writes lines. */
export const scribe = defineContract({
  service: 'scribe',
  emits: { [lineWritten]: Line },
  consumes: [],
  commands: {},
  feed: {},
});

/** Puts each line into somebody's feed. */
export const reader = defineContract({
  service: 'reader',
  emits: {},
  consumes: [lineWritten],
  commands: {},
  feed: { [lineWritten]: Line },
});
