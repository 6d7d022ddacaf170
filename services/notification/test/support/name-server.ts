import { createSocket } from 'node:dgram';
import { isIPv6 } from 'node:net';

/** A DNS server (RFC 1035) on 127.0.0.1. */
export interface NameServer {
  /** `127.0.0.1:<port>` */
  address: string;
  /** The name in each question that it got. */
  asked: string[];
  close(): Promise<void>;
}

/** Knows these names, and doesn't answer questions about `silent` ones. */
export async function nameServer(
  names: Readonly<Record<string, readonly string[] | 'silent'>>,
): Promise<NameServer> {
  const asked: string[] = [];
  const socket = createSocket('udp4');
  socket.on('message', (query, { address, port }) => {
    const { name, type, question } = questionOf(query);
    asked.push(name);
    const known = names[name];
    if (known === 'silent') return;
    const answers = (known ?? []).filter((each) => (isIPv6(each) ? 28 : 1) === type).map(record);
    // The flags say that recursion is available, and that an unknown name doesn't exist.
    const flags = known === undefined ? 0x8183 : 0x8180;
    const head = Buffer.alloc(12);
    head.writeUInt16BE(query.readUInt16BE(0), 0);
    for (const [index, value] of [flags, 1, answers.length].entries())
      head.writeUInt16BE(value, 2 + 2 * index);
    socket.send(Buffer.concat([head, question, ...answers]), port, address);
  });
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
  return {
    address: `127.0.0.1:${socket.address().port}`,
    asked,
    close: () => new Promise((resolve) => socket.close(() => resolve())),
  };
}

function questionOf(query: Buffer) {
  const labels: string[] = [];
  let at = 12;
  for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
    labels.push(query.toString('latin1', at + 1, at + 1 + length));
    at += 1 + length;
  }
  return {
    name: labels.join('.').toLowerCase(),
    type: query.readUInt16BE(at + 1),
    question: query.subarray(12, at + 5),
  };
}

/** A record for the name in the question, with a TTL of 0. */
function record(address: string): Buffer {
  const data = isIPv6(address) ? ipv6(address) : Buffer.from(address.split('.').map(Number));
  const head = Buffer.from([0xc0, 12, 0, isIPv6(address) ? 28 : 1, 0, 1, 0, 0, 0, 0, 0, data.length]);
  return Buffer.concat([head, data]);
}

function ipv6(address: string): Buffer {
  const [before = '', after = ''] = address.split('::');
  const groups = (part: string) =>
    part === '' ? [] : part.split(':').map((group) => Number.parseInt(group, 16));
  const [first, last] = [groups(before), groups(after)];
  const all = [...first, ...Array<number>(8 - first.length - last.length).fill(0), ...last];
  return Buffer.from(all.flatMap((group) => [group >> 8, group & 0xff]));
}
