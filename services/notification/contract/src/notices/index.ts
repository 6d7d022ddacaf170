// What a service needs that has notices of its own. Apart from the contract, since it brings a parser of messages.
export { defineNoticeKind } from './define.js';
export { faultsOf } from './faults.js';
