import type { IncomingMessage } from 'node:http';
import { expect, it } from '@jest/globals';
import { clientAddress, networkOf } from '../src/http/client-address.js';

it.each([
  [
    'the address that the proxy added, not those that the client wrote',
    '6.6.6.6, 203.0.113.7',
    '203.0.113.7',
  ],
  ['the address of the peer if there is no header', undefined, '10.0.0.1'],
  ['the address of the peer if the header is empty', ' ', '10.0.0.1'],
])('with a trusted proxy, uses %s', (_, header, address) => {
  const request = { headers: { 'x-forwarded-for': header }, socket: { remoteAddress: '10.0.0.1' } };
  expect(clientAddress(true)(request as unknown as IncomingMessage)).toBe(address);
});

it('without a trusted proxy, uses the address of the peer whatever the client writes', () => {
  const request = { headers: { 'x-forwarded-for': '6.6.6.6' }, socket: { remoteAddress: '10.0.0.1' } };
  expect(clientAddress(false)(request as unknown as IncomingMessage)).toBe('10.0.0.1');
});

it.each([
  ['192.0.2.1', '192.0.2.1'],
  ['::ffff:192.0.2.1', '192.0.2.1'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
  ['2001:0DB8::1', '2001:db8:0:0::/64'],
  ['::1', '0:0:0:0::/64'],
  ['fe80::1%eth0', 'fe80:0:0:0::/64'],
  ['fe80::1%br-1.2', 'fe80:0:0:0::/64'],
  ['::1%-', '0:0:0:0::/64'],
  ['1::', '1:0:0:0::/64'],
  ['not an address', 'not an address'],
])('counts %s under %s', (address, network) => {
  expect(networkOf(address)).toBe(network);
});
