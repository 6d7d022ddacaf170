export { type ExitCode, type Io, runCli } from './run.js';
