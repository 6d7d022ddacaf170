import { UsageError } from '@warren/testing';
import type { Bench } from '../bench.js';
import type { Options } from '../options.js';
import { bare } from './bare.js';
import { story } from './story.js';
import type { RunningSystem, System } from './system.js';
import { warren, warrenOrm, warrenRaw } from './warren.js';

const others: readonly System[] = [warren, warrenOrm, warrenRaw, story];

/** Starts the baseline and the selected systems, one after the other. */
export async function startSystems(
  bench: Bench,
  options: Options,
  say: (line: string) => void,
): Promise<RunningSystem[]> {
  const running: RunningSystem[] = [];
  for (const system of [bare, ...options.systems.map(systemNamed)]) {
    say(`starting ${system.name}`);
    running.push(await system.start(bench, options.people));
  }
  return running;
}

function systemNamed(name: string): System {
  const system = others.find((one) => one.name === name);
  if (system) return system;
  throw new UsageError(`--systems knows ${others.map((one) => one.name).join(', ')}; not '${name}'`);
}
