// A lock file between processes. It contains the holder's process number and start time, so that the lock of a dead
// process is detected and taken over even if the number was reused.
import { execFileSync } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { link, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

/**
 * Runs `work` while holding the lock at `path`. Waits for the lock at most `within` milliseconds. If another running
 * process holds it, calls `onWait(pid)` once.
 */
export async function withLock(path, work, { within = 20 * 60_000, onWait = () => {} } = {}) {
  await mkdir(dirname(path), { recursive: true });
  const release = await acquire(path, Date.now() + within, onWait);
  try {
    return await work();
  } finally {
    await release();
  }
}

async function acquire(path, deadline, onWait) {
  const content = JSON.stringify({ pid: process.pid, started: startTime(process.pid), id: randomUUID() });
  let reported = false;
  for (;;) {
    if (await create(path, content)) return () => rm(path, { force: true });
    const held = await readFile(path, 'utf8').catch(() => '');
    const holder = parse(held);
    if (holder && !isAlive(holder)) {
      await takeOver(path, held, deadline, onWait);
      continue;
    }
    if (holder && !reported) onWait(holder.pid);
    reported ||= Boolean(holder);
    if (Date.now() > deadline) throw new Error(`process ${holder?.pid} still holds the lock ${path}`);
    await pause(100);
  }
}

/** Creates the file with its complete content in one step. Returns false if it exists. */
async function create(path, content) {
  const draft = `${path}.${process.pid}.${randomUUID()}`;
  await writeFile(draft, content);
  try {
    await link(draft, path);
    return true;
  } catch (error) {
    if (error.code === 'EEXIST') return false;
    throw error;
  } finally {
    await rm(draft, { force: true });
  }
}

/**
 * Removes a dead holder's lock. If several processes found it dead, a slow one could remove the lock that a fast one has
 * acquired meanwhile. Therefore removing needs another lock, and the content is checked again under it.
 */
async function takeOver(path, dead, deadline, onWait) {
  const claim = `${path}.${createHash('sha256').update(dead).digest('hex').slice(0, 16)}`;
  const release = await acquire(claim, deadline, onWait);
  try {
    if ((await readFile(path, 'utf8').catch(() => '')) === dead) await rm(path, { force: true });
  } finally {
    await release();
  }
}

function parse(text) {
  try {
    const holder = JSON.parse(text);
    return Number.isInteger(holder.pid) ? holder : undefined;
  } catch {
    return undefined;
  }
}

function isAlive({ pid, started }) {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (error.code !== 'EPERM') return false;
  }
  return startTime(pid) === started;
}

function startTime(pid) {
  try {
    if (process.platform !== 'linux') {
      return execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim();
    }
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  } catch {
    return undefined;
  }
}
