import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually } from '@warren/testing';
import { RecordingClient } from './support/client.js';
import { service, startNode, type TestNode, token } from './support/node.js';
import { type RawSocket, rawSocket } from './support/raw-socket.js';

const join = `40/${service},${JSON.stringify({ token: token('eve') })}`;

/** A generator with a seed, so that a failing run can be repeated. Returns numbers from 0 to below 1. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

const packets: string[] = [
  '',
  '4',
  '40',
  '40/',
  '40,',
  '40null',
  '40[]',
  '40{"token":1}',
  `40/${service},`,
  `40/${service},null`,
  `40/${service},[]`,
  `40/${service},"x"`,
  `40/${service},{"token":{"a":[]},"cursor":{}}`,
  `40/${service},{"__proto__":{"token":"x"}}`,
  `40/${'n'.repeat(50_000)},{}`,
  '41',
  `41/${service},`,
  '42',
  '42[]',
  '42[null]',
  `42/${service},`,
  `42/${service},[]`,
  `42/${service},[null]`,
  `42/${service},[1]`,
  `42/${service},["error"]`,
  `42/${service},1["error",{}]`,
  `42/${service},["connect"]`,
  `42/${service},["disconnect"]`,
  `42/${service},["newListener",{}]`,
  `42/${service},1["__proto__",{}]`,
  `42/${service},1["constructor",{"prototype":{}}]`,
  `42/${service},99999999999999999999["things.echo",{}]`,
  `42/${service},1["things.echo",${'['.repeat(30_000)}${']'.repeat(30_000)}]`,
  `42/${service},1["things.echo",{"commandId":{}}]`,
  `42/${service},1["feed.pull",{"after":{"toString":1},"limit":{}}]`,
  `42/${service},1["feed.pull",{"limit":1e309}]`,
  `42/${service},1["session.refresh",{"token":{"length":5}}]`,
  `42/${service},1["session.refresh"]`,
  `42/other,1["things.echo",{}]`,
  '43',
  `43/${service},1[]`,
  `43/${service},[]`,
  `44/${service},{"message":"x"}`,
  '45',
  '451-',
  `451-/${service},`,
  `451-/${service},["things.echo",{"_placeholder":true,"num":5}]`,
  `459-/${service},["things.echo",{"_placeholder":true,"num":0}]`,
  `4599999999-/${service},["x"]`,
  `451-/${service},1["things.echo",${'['.repeat(30_000)}${']'.repeat(30_000)}]`,
  '46',
  `461-/${service},1[{"_placeholder":true,"num":0}]`,
  '47',
  '4:',
  '2',
  '2probe',
  '3',
  '5',
  '6',
  '9',
  'b',
  'bAAAA',
  '\u0000',
  '4\uD800',
];

describe('malformed input', () => {
  const unhandled: unknown[] = [];
  const note = (error: unknown): void => {
    unhandled.push(error);
  };
  let node: TestNode;
  let witness: RecordingClient;

  beforeAll(async () => {
    process.on('unhandledRejection', note);
    process.on('uncaughtExceptionMonitor', note);
    node = await startNode({
      limits: { handshakesPerMinute: 100_000, commandsPerSecond: 100_000, socketsPerUser: 1_000 },
    });
    witness = new RecordingClient(node.url, { token: token('ann') });
    await witness.got('session.ready');
  });

  afterAll(async () => {
    witness.close();
    await node.close();
    process.off('unhandledRejection', note);
    process.off('uncaughtExceptionMonitor', note);
  });

  /** Checks that the witness was never disconnected, and that a push and a command still work. */
  async function stillServes(): Promise<void> {
    node.commit('ann');
    const answer = await witness.command('things.echo', {});
    expect(answer.ok).toBe(true);
    await eventually(() => expect(witness.seqs.at(-1)).toBe(witness.seqs.length));
    expect(witness.disconnects).toEqual([]);
    expect(unhandled).toEqual([]);
  }

  async function attack(act: (raw: RawSocket) => void): Promise<void> {
    const raw = await rawSocket(node.port);
    act(raw);
    raw.send('41');
    raw.send('1');
    await Promise.race([raw.closed, eventually(() => expect(raw.text().length).toBeGreaterThan(0))]);
    raw.destroy();
    await raw.closed;
  }

  it.each(packets.map((packet) => [packet.slice(0, 60), packet]))(
    'survives the packet %j',
    async (_name, packet) => {
      await attack((raw) => raw.send(packet));
      await attack((raw) => {
        raw.send(join);
        raw.send(packet);
        raw.frame(2, Buffer.from([1, 2, 3]));
        raw.send(packet);
      });
      await stillServes();
    },
  );

  it('survives hundreds of mutated packets', async () => {
    const next = random(7);
    for (let round = 0; round < 300; round++) {
      await attack((raw) => {
        if (next() < 0.7) raw.send(join);
        for (let i = 0; i < 3; i++) {
          const bytes = Buffer.from(packets[Math.floor(next() * packets.length)]?.slice(0, 200) ?? '');
          for (let flips = next() * 4; flips > 0 && bytes.length > 0; flips--) {
            bytes[Math.floor(next() * bytes.length)] = Math.floor(next() * 256);
          }
          raw.frame(next() < 0.8 ? 1 : 2, bytes);
        }
        if (next() < 0.2) raw.write(Buffer.from(Array.from({ length: 40 }, () => Math.floor(next() * 256))));
      });
    }
    await stillServes();
  });

  it.each([
    '',
    'EIO=3&transport=websocket',
    'EIO=4&transport=webtransport',
    'EIO=4&transport=__proto__',
    'EIO=4&transport=websocket&sid=__proto__',
    'EIO=4&transport=polling',
    'EIO=%ZZ&transport=%E0%A4%A',
    `EIO=4&transport=websocket&x=${'y'.repeat(50)}`,
  ])('survives the handshake query %j', async (query) => {
    const raw = await rawSocket(node.port, query);
    raw.send(join);
    raw.destroy();
    await raw.closed;
    await stillServes();
  });

  it('gives a connection one socket, however often it sends CONNECT', async () => {
    const raw = await rawSocket(node.port);
    for (let i = 0; i < 50; i++) raw.send(`40/${service},${JSON.stringify({ token: token('mallory') })}`);
    await eventually(() => expect(raw.text()).toContain('session.ready'));
    await Promise.race([raw.closed, eventually(() => expect(raw.text()).toContain('Already connected'))]);
    expect(raw.text().match(/"session\.ready"/g)).toHaveLength(1);
    raw.destroy();
    await raw.closed;
  });
});
