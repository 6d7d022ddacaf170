export { type Check, compileReader, compileWriter } from './compile.js';
export { checkDomainEvent } from './events.js';
export { openForReaders } from './open-for-readers.js';
