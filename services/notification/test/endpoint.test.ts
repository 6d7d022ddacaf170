import { lookup } from 'node:dns';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { hostname } from 'node:os';
import { promisify } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import { v7 as uuidv7 } from 'uuid';
import webPush from 'web-push';
import { endpointRefusal } from '../src/providers/endpoint.js';
import { isPublicAddress, lookupPublic } from '../src/providers/public-address.js';
import { createWebPush } from '../src/providers/web-push.js';
import { Browser } from './support/push-service.js';

describe('an endpoint', () => {
  it.each([
    ['http://push.example.org/1', 'protocol'],
    ['ftp://push.example.org/1', 'protocol'],
    ['https://user:secret@push.example.org/1', 'credentials'],
    ['https://push.example.org:8443/1', 'port'],
    ['https://127.0.0.1/1', 'private-address'],
    ['https://0x7f.1/1', 'private-address'],
    ['https://2130706433/1', 'private-address'],
    ['https://10.1.2.3/1', 'private-address'],
    ['https://169.254.169.254/latest/meta-data', 'private-address'],
    ['https://[::1]/1', 'private-address'],
    ['https://[::ffff:127.0.0.1]/1', 'private-address'],
    ['https://[64:ff9b::7f00:1]/1', 'private-address'],
    ['https://[2002:7f00:1::]/1', 'private-address'],
    ['https://[fd00::1]/1', 'private-address'],
    ['https://localhost/1', 'private-address'],
    ['https://service.localhost./1', 'private-address'],
    ['https://', 'format'],
  ])('%s is refused: %s', (endpoint, reason) => {
    expect(endpointRefusal(endpoint, false)).toBe(reason);
  });

  it.each([
    'https://fcm.googleapis.com/fcm/send/x',
    'https://93.184.216.34/1',
    'https://[2606:4700::1111]/1',
  ])('%s is taken', (endpoint) => expect(endpointRefusal(endpoint, false)).toBeUndefined());

  it('may be local where that is allowed', () => {
    expect(endpointRefusal('http://127.0.0.1:8080/1', true)).toBeUndefined();
    expect(endpointRefusal('file:///etc/passwd', true)).toBe('protocol');
  });
});

describe('addresses', () => {
  it.each([
    '100.64.0.1',
    '172.31.255.255',
    '192.168.0.1',
    '224.0.0.1',
    '255.255.255.255',
    '0.0.0.0',
    '::',
    'fe80::1',
  ])('%s is not public', (address) => expect(isPublicAddress(address)).toBe(false));
});

describe('a name that leads to this machine', () => {
  it('hazard: it looks like any other, and resolves', async () => {
    expect(endpointRefusal('https://push.example.org/1', false)).toBeUndefined();
    expect((await promisify(lookup)('localhost')).address).toMatch(/^(127\.|::1$)/);
  });

  it.each([true, false])('guard: the connection itself refuses it (all addresses: %s)', async (all) => {
    const refused = new Promise((_, reject) => lookupPublic('localhost', { all }, (error) => reject(error)));
    await expect(refused).rejects.toMatchObject({ code: 'EPRIVATE' });
  });

  it('guard: a push looks it up itself, whatever it was when it was taken', async () => {
    const keys = webPush.generateVAPIDKeys();
    const pusher = createWebPush({
      keys,
      subject: 'mailto:a@example.org',
      connections: 1,
      allowLocal: false,
    });
    const subscription = { endpoint: `https://${hostname()}/`, ...new Browser().keys };
    const message = { payload: '{}', topic: uuidv7().replaceAll('-', ''), ttlSeconds: 60 };
    const sent = pusher.send({ ...message, subscription }, AbortSignal.timeout(5_000));
    await expect(sent).rejects.toMatchObject({ code: 'EPRIVATE' });
    await pusher.close();
  });

  it('guard: nothing arrives there, whoever lets it through', async () => {
    let arrived = 0;
    const server = createServer((_, answer) => {
      arrived += 1;
      answer.end();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const options = { keys: webPush.generateVAPIDKeys(), subject: 'mailto:a@example.org', connections: 1 };
    const message = { payload: '{}', topic: uuidv7().replaceAll('-', ''), ttlSeconds: 60 };
    const endpoint = `http://localhost:${(server.address() as AddressInfo).port}/`;
    const to = (allowLocal: boolean) => {
      const pusher = createWebPush({ ...options, allowLocal });
      const sent = pusher.send(
        { ...message, subscription: { endpoint, ...new Browser().keys } },
        AbortSignal.timeout(5_000),
      );
      return sent.finally(() => pusher.close());
    };
    await expect(to(false)).rejects.toThrow('protocol');
    expect(arrived).toBe(0);
    await to(true);
    expect(arrived).toBe(1);
    await new Promise((resolve) => server.close(resolve));
  });
});
