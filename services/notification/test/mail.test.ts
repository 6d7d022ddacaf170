import { mkdtemp, readdir, readFile, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { v7 as uuidv7 } from 'uuid';
import { composeMail } from '../src/domain/mail.js';
import { envelope, senderOf } from '../src/providers/envelope.js';
import { createMailFolder } from '../src/providers/mail-folder.js';

const from = senderOf('Warren <hello@warren.example>');
const mail = (changes = {}) => ({
  id: uuidv7(),
  to: 'ada@example.org',
  subject: 'Hello',
  text: 'text',
  html: '<p>text</p>',
  date: new Date(),
  ...changes,
});
const signal = new AbortController().signal;

describe('headers', () => {
  it.each([
    'ada@example.org\r\nBcc: eve@example.org',
    'ada@example.org, eve@example.org',
    'ada@example.org>\r\nRCPT TO:<eve@example.org',
    '"ada" <ada@example.org>',
    'ada',
    '',
  ])('cannot be injected by an address: %j', (to) => {
    expect(() => envelope(mail({ to }), from)).toThrow('bad-address');
  });

  it('cannot be injected by a subject', () => {
    expect(() => envelope(mail({ subject: 'Hello\r\nBcc: eve@example.org' }), from)).toThrow('bad-subject');
  });

  it('have exactly one sender', () => {
    expect(from).toEqual({ name: 'Warren', address: 'hello@warren.example' });
    expect(() => senderOf('a@example.org, b@example.org')).toThrow(TypeError);
  });
});

describe('a composed mail', () => {
  it('shows markup as text', () => {
    const content = {
      language: 'en',
      subject: 'S',
      paragraphs: ['<script>"&\'</script>'],
      action: 'Go',
      path: '/x',
    };
    const { html, text } = composeMail(content, 'https://warren.example/');
    expect(html).toContain('<p>&lt;script&gt;&quot;&amp;&#39;&lt;/script&gt;</p>');
    expect(html).toContain('<a href="https://warren.example/x">Go</a>');
    expect(text).toBe('<script>"&\'</script>\n\nGo:\nhttps://warren.example/x\n');
  });
});

describe('the folder of mails', () => {
  it('is readable by this user only, keeps the newest mails, and has one file for all tries of a mail', async () => {
    const folder = join(await mkdtemp(join(tmpdir(), 'warren-mail-')), 'mail');
    const mailer = createMailFolder(folder, from, 3);
    const mails = [1, 2, 3, 4, 5].map((second) =>
      mail({ date: new Date(second * 1_000), subject: `No. ${second}` }),
    );
    for (const each of [...mails, ...mails.slice(-1)]) await mailer.send(each, signal);
    const names = (await readdir(folder)).sort();
    expect(names).toEqual(
      mails.slice(2).map(({ id }) => expect.stringMatching(`^1970-01-01T00-00-0.*-${id}\\.eml$`)),
    );
    expect((await stat(folder)).mode & 0o777).toBe(0o700);
    expect((await stat(join(folder, names[0] ?? ''))).mode & 0o777).toBe(0o600);
    expect(await readFile(join(folder, names[2] ?? ''), 'utf8')).toContain('Subject: No. 5');
    await mailer.close();
  });

  it('deletes unfinished mails of crashed processes, and no mail that is being written and no other file', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'warren-mail-'));
    const unfinished = () => `.2026-01-01T00-00-00-000Z-${uuidv7()}`;
    const [abandoned, underWay, other] = [unfinished(), unfinished(), '.gitkeep'];
    for (const name of [abandoned, underWay, other]) await writeFile(join(folder, name), 'token');
    const longAgo = new Date(Date.now() - 120_000);
    for (const name of [abandoned, other]) await utimes(join(folder, name), longAgo, longAgo);
    const mailer = createMailFolder(folder, from, 3);
    await mailer.send(mail(), signal);
    const names = await readdir(folder);
    expect(names.filter((name) => !name.endsWith('.eml')).sort()).toEqual([underWay, other].sort());
    await mailer.close();
  });
});
