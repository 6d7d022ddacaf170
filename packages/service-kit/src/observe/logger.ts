import { type Logger, pino, stdTimeFunctions } from 'pino';
import pretty from 'pino-pretty';

export interface LoggerOptions {
  service: string;
  node: string;
  level: string;
}

/** Secrets and personal data. They are removed from the first two levels of logged objects. */
const redacted = [
  'password',
  'currentPassword',
  'newPassword',
  'token',
  'accessToken',
  'refreshToken',
  'authorization',
  'cookie',
  'email',
  'displayName',
];

/** Logs JSON lines to stdout, or readable lines if stdout is a terminal. */
export function createLogger({ service, node, level }: LoggerOptions): Logger {
  const options = {
    level,
    base: { service, node },
    timestamp: stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    redact: {
      paths: [
        ...redacted,
        ...redacted.map((name) => `*.${name}`),
        'req.headers.authorization',
        'req.headers.cookie',
      ],
      censor: '[redacted]',
    },
  };
  if (!process.stdout.isTTY) return pino(options);
  return pino(
    options,
    pretty({ ignore: 'pid,hostname,node', messageFormat: '{service}: {msg}', sync: true }),
  );
}
