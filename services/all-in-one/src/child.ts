import { pathToFileURL } from 'node:url';

// Runs the program that the first argument names, as if it had been started itself, and ends it as SIGTERM would
// when the parent is gone: a parent killed with SIGKILL leaves no services behind that hold their ports.
process.argv.splice(1, 1);
process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'));
// The channel alone keeps nothing running: a service that has stopped may end.
process.channel?.unref();
await import(pathToFileURL(process.argv[1] ?? '').href);
