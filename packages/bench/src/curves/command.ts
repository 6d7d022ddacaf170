import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { consumerCurve } from './consumer.js';
import { help, readCurvesOptions } from './options.js';
import { outages } from './outage.js';
import { plot } from './plot.js';
import { relayCurve } from './relay.js';
import { type Curves, intoPage, report } from './report.js';

/** `npm run bench -- curves`. */
export async function curves(argv: readonly string[], say: (line: string) => void): Promise<void> {
  const options = readCurvesOptions(argv);
  if (options.help) {
    process.stdout.write(help);
    return;
  }
  const stop = new AbortController();
  const onSignal = () => stop.abort(new Error('stopped by a signal'));
  process.once('SIGINT', onSignal).once('SIGTERM', onSignal);
  const result: Curves = {
    relay: await relayCurve(options.events, stop.signal, say),
    consumer: await consumerCurve(options, stop.signal, say),
    outages: await outages(options.rows, stop.signal, say),
  };
  process.stdout.write(options.json ? `${JSON.stringify(result, undefined, 2)}\n` : report(result));
  if (options.write !== undefined) await write(options.write, result);
}

async function write(folder: string, result: Curves): Promise<void> {
  const page = join(folder, 'throughput.md');
  await writeFile(page, intoPage(await readFile(page, 'utf8'), result));
  await writeFile(join(folder, 'throughput.svg'), plot(result));
}
