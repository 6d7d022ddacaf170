import { describe, expect, it } from '@jest/globals';
import { AppError } from '@warren/contracts';
import { pino } from 'pino';
import { TimedAnswers } from '../src/http/timed-answers.js';

const log = pino({ level: 'silent' });

/** Work that ends when the test says so. */
function held() {
  let end = (_error?: Error) => {};
  const done = new Promise<void>((resolve, reject) => {
    end = (error) => (error ? reject(error) : resolve());
  });
  return { work: () => done, end };
}

const timed = async (answer: Promise<void>) => {
  const start = performance.now();
  await answer;
  return performance.now() - start;
};

describe('an answer at a fixed time', () => {
  it('comes at that time, whether the work is done at once or not at all', async () => {
    const answers = new TimedAnswers(log);
    const slow = held();
    const took = await Promise.all([
      timed(answers.after(100, async () => undefined)),
      timed(answers.after(100, slow.work)),
    ]);
    for (const each of took) expect(each).toBeGreaterThanOrEqual(99);
    slow.end();
    await answers.stop();
  });

  it('reports an early failure at that time', async () => {
    const answers = new TimedAnswers(log);
    const start = performance.now();
    const failed = answers.after(100, () => Promise.reject(new AppError('service-unavailable')));
    await expect(failed).rejects.toMatchObject({ code: 'service-unavailable' });
    expect(performance.now() - start).toBeGreaterThanOrEqual(99);
  });

  it('waits at shutdown for work that continues after it, and survives its failure', async () => {
    const answers = new TimedAnswers(log);
    const slow = held();
    await answers.after(1, slow.work);
    let stopped = false;
    const stop = answers.stop().then(() => {
      stopped = true;
    });
    const late = answers.after(1, slow.work);
    await new Promise((resolve) => setImmediate(resolve));
    expect(stopped).toBe(false);
    slow.end(new Error('too late'));
    await stop;
    await expect(late).rejects.toThrow('too late');
  });

  it('is refused if too much work is running', async () => {
    const answers = new TimedAnswers(log);
    const slow = held();
    const all = Array.from({ length: 100 }, () => answers.after(1, slow.work));
    await expect(answers.after(1, slow.work)).rejects.toMatchObject({ code: 'service-overloaded' });
    slow.end();
    await Promise.all(all);
    await answers.after(1, async () => undefined);
  });
});
