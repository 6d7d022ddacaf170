import type { IncomingMessage } from 'node:http';
import { expect, it } from '@jest/globals';
import { forwardedAddress } from '../src/http/forwarded-address.js';

it.each([
  ['what the proxy added, not what the client wrote', '6.6.6.6, 203.0.113.7', '203.0.113.7'],
  ['the peer where no proxy spoke', undefined, '10.0.0.1'],
  ['the peer where the header is empty', ' ', '10.0.0.1'],
])('takes %s', (_, header, address) => {
  const request = { headers: { 'x-forwarded-for': header }, socket: { remoteAddress: '10.0.0.1' } };
  expect(forwardedAddress(request as unknown as IncomingMessage)).toBe(address);
});
