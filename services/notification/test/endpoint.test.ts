import { lookup as systemLookup } from 'node:dns';
import { Resolver } from 'node:dns/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { hostname } from 'node:os';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually } from '@warren/testing';
import { v7 as uuidv7 } from 'uuid';
import webPush from 'web-push';
import { endpointRefusal, isPublicAddress, publicLookup } from '../src/providers/endpoint.js';
import { createWebPush } from '../src/providers/web-push.js';
import { type NameServer, nameServer } from './support/name-server.js';
import { Browser } from './support/push-service.js';

let names: NameServer;
beforeAll(async () => {
  names = await nameServer({
    'push.example.org': ['127.0.0.1'],
    [hostname().toLowerCase()]: ['127.0.0.1'],
    'six.example.org': ['::1'],
    'one-of-two.example.org': ['93.184.216.34', '10.1.2.3'],
    'one-of-both.example.org': ['93.184.216.34', 'fd00::1'],
    'public.example.org': ['93.184.216.34', '2606:4700::1111'],
    'silent.example.org': 'silent',
  });
});
afterAll(() => names.close());

function lookUp(name: string, all: boolean): Promise<unknown> {
  const lookup = publicLookup([names.address]);
  return new Promise((resolve, reject) =>
    lookup(name, { all }, (error, found) => (error ? reject(error) : resolve(found))),
  );
}

async function pushTo(name: string): Promise<void> {
  const keys = webPush.generateVAPIDKeys();
  const subject = 'mailto:a@example.org';
  const nameServers = [names.address];
  const pusher = createWebPush({ keys, subject, connections: 1, allowLocal: false, nameServers });
  const subscription = { endpoint: `https://${name}/`, ...new Browser().keys };
  const message = { payload: '{}', topic: uuidv7().replaceAll('-', ''), ttlSeconds: 60 };
  const sent = pusher.send({ ...message, subscription }, AbortSignal.timeout(20_000));
  await sent.finally(() => pusher.close());
}

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
  ])('%s is refused as %s', (endpoint, reason) => {
    expect(endpointRefusal(endpoint, false)).toBe(reason);
  });

  it.each([
    'https://fcm.googleapis.com/fcm/send/x',
    'https://93.184.216.34/1',
    'https://[2606:4700::1111]/1',
  ])('%s is accepted', (endpoint) => expect(endpointRefusal(endpoint, false)).toBeUndefined());

  it('may be local if the settings allow it', () => {
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
  it('hazard: it is accepted, and resolves', async () => {
    expect(endpointRefusal('https://push.example.org/1', false)).toBeUndefined();
    const resolver = new Resolver();
    resolver.setServers([names.address]);
    expect(await resolver.resolve4('push.example.org')).toEqual(['127.0.0.1']);
  });

  it.each(['push.example.org', 'six.example.org', 'one-of-two.example.org', 'one-of-both.example.org'])(
    'guard: the connection itself refuses %s',
    async (name) => {
      for (const all of [true, false])
        await expect(lookUp(name, all)).rejects.toMatchObject({ code: 'EPRIVATE' });
    },
  );

  it('guard: a push resolves its endpoint itself when it connects', async () => {
    const asking = names.asked.length;
    for (const name of [hostname().toLowerCase(), 'one-of-both.example.org'])
      await expect(pushTo(name)).rejects.toMatchObject({ code: 'EPRIVATE' });
    expect(names.asked.length).toBeGreaterThan(asking);
  });

  it('guard: a push checks its endpoint itself', async () => {
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

describe('a name', () => {
  it('with public addresses resolves to all of them', async () => {
    expect(await lookUp('public.example.org', true)).toEqual([
      { address: '93.184.216.34', family: 4 },
      { address: '2606:4700::1111', family: 6 },
    ]);
    expect(await lookUp('public.example.org', false)).toBe('93.184.216.34');
  });

  it('that does not exist is not found', async () => {
    await expect(lookUp('unknown.example.org', true)).rejects.toMatchObject({ code: 'ENOTFOUND' });
  });

  it('whose servers are silent is given up, and occupies no thread for lookups', async () => {
    const silent = Array.from({ length: 20 }, () =>
      lookUp('silent.example.org', true).catch((error: unknown) => error),
    );
    await eventually(() => expect(names.asked).toContain('silent.example.org'));
    expect((await promisify(systemLookup)('localhost')).address).toMatch(/^(127\.|::1$)/);
    expect(await Promise.all(silent)).toEqual(
      silent.map(() => expect.objectContaining({ code: 'ETIMEOUT' })),
    );
  }, 60_000);
});
