/** Reading the environment, without all that a running service needs: for programs that shall start fast. */
export { ConfigError, type Environment, readConfig } from './read-config.js';
export { readableError } from './readable-error.js';
