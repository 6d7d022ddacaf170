export { deletedEvent, encoded, listenTo, type TestEvent, userEvent } from './events.js';
export { migrated } from './migrated.js';
export { keys, tokenFor } from './tokens.js';
