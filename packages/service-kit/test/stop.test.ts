import { describe, expect, it } from '@jest/globals';
import { pino } from 'pino';
import { Readiness } from '../src/http/health.js';
import { Closing, createStop } from '../src/service/stop.js';

const log = pino({ level: 'silent' });

/** The parts of a service, which record their calls. The test decides how long a call takes. */
function partsOf(drainSeconds: number, failure?: Error) {
  const notes: string[] = [];
  const releases = new Map<string, () => void>();
  const until = (name: string) => new Promise<void>((resolve) => releases.set(name, resolve));
  const readiness = new Readiness({});
  readiness.started();
  const closing = new Closing();
  closing.add('bus', async () => void notes.push('bus closed'));
  closing.add('relay', async () => void notes.push('relay flushed'));
  const windows: number[] = [];
  const stop = createStop({
    readiness,
    realtime: {
      refuse: () => {
        notes.push(`upgrades refused, ${readiness.draining ? 'not ready' : 'ready'}`);
      },
      drain: async (withinMs) => {
        windows.push(withinMs);
        if (failure) throw failure;
        notes.push('slots handed out');
      },
    },
    bus: {
      stopConsuming: async () => {
        notes.push('consumers cancelled');
        await until('finished');
        notes.push('deliveries finished');
      },
    },
    closing,
    drainSeconds,
    log,
  });
  return { notes, windows, stop, release: (name: string) => releases.get(name)?.() };
}

const inOrder = [
  'upgrades refused, not ready',
  'consumers cancelled',
  'deliveries finished',
  'slots handed out',
  'relay flushed',
  'bus closed',
];

describe('stopping', () => {
  it('runs its steps in order, each after the one before it has ended', async () => {
    const { notes, windows, stop, release } = partsOf(5);
    const began = Date.now();
    const stopped = stop();
    const timer = setInterval(() => release('finished'), 20);
    await stopped;
    clearInterval(timer);
    expect(notes).toEqual(inOrder);
    expect(Date.now() - began).toBeGreaterThanOrEqual(1_400);
    expect(windows[0]).toBeLessThanOrEqual(3_600);
  });

  it('moves sockets although a delivery takes long, and closes nothing before that delivery is finished', async () => {
    const { notes, stop, release } = partsOf(1);
    const stopped = stop();
    const timer = setInterval(() => notes.includes('slots handed out') && release('finished'), 20);
    await stopped;
    clearInterval(timer);
    const late = ['slots handed out', 'deliveries finished'];
    expect(notes).toEqual([...inOrder.slice(0, 2), ...late, ...inOrder.slice(4)]);
  });

  it('closes everything even if moving the sockets fails', async () => {
    const { notes, stop, release } = partsOf(0, new Error('no hand-over'));
    const timer = setInterval(() => release('finished'), 20);
    await stop();
    clearInterval(timer);
    expect(notes.slice(-2)).toEqual(['relay flushed', 'bus closed']);
  });

  it('waits only for deliveries in progress if it is hurried', async () => {
    const { notes, stop, release } = partsOf(600);
    const timer = setInterval(() => release('finished'), 20);
    const stopped = stop();
    await stop({ hurry: true });
    await stopped;
    clearInterval(timer);
    expect(new Set(notes)).toEqual(new Set(inOrder));
    expect(notes.indexOf('deliveries finished')).toBeLessThan(notes.indexOf('relay flushed'));
  });
});
