export { deletedEvent, encoded, listenTo, type TestEvent, userEvent } from './events.js';
export { keys, tokenFor } from './tokens.js';
