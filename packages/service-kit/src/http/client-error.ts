import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { AppError, type KitErrorCode } from '@warren/contracts';
import { problemType } from './problems.js';

const refusals: Readonly<Record<string, KitErrorCode>> = {
  HPE_HEADER_OVERFLOW: 'headers-too-large',
  ERR_HTTP_REQUEST_TIMEOUT: 'request-timeout',
};

/** Answers what Node.js could not read as a request, as a problem like all others, and ends the connection. */
export function answerClientError(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed) return;
  if (socket.writable) socket.write(answerTo(refusals[error.code ?? ''] ?? 'invalid-request'));
  socket.destroy(error);
}

function answerTo(code: KitErrorCode): string {
  const detail = code === 'invalid-request' ? 'This is not a valid HTTP request' : undefined;
  const problem = new AppError(code, { ...(detail && { detail }) });
  const body = JSON.stringify(problem.toProblem());
  return [
    `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status]}`,
    `Content-Type: ${problemType}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Connection: close',
    '',
    body,
  ].join('\r\n');
}
