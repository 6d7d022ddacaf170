import { pathToFileURL } from 'node:url';

// Runs the program in the first argument as if Node had started it, and stops it with SIGTERM once the parent is gone, so
// that a parent that was killed leaves no services behind that hold their ports.
process.argv.splice(1, 1);
process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'));
// The channel alone does not keep the process running: a service that has stopped ends.
process.channel?.unref();
await import(pathToFileURL(process.argv[1] ?? '').href);
