export { type Check, compileReader, compileWriter } from './compile.js';
export { checkDomainEvent, openForReaders } from './events.js';
