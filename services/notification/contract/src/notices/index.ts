// For services that define kinds of notice. It is separate from the contract, since it contains a parser of messages.
export { defineNoticeKind } from './define.js';
export { faultsOf } from './faults.js';
