import type { Results, Round } from './rounds.js';
import { median, type Spread, spread } from './stats.js';

/** The medians of one system over all rounds, and its ratios to the bare pipeline in the same round. */
export interface Row {
  system: string;
  throughput: Cell;
  serverMsPerEvent: Cell;
  atRate: { rate: number; p50: Cell; p99: Cell; serverMsPerEvent: Cell }[];
}

export interface Cell {
  median: number;
  /** Absent for the bare pipeline itself. */
  ratio?: Spread;
}

export function summarize(results: Results, rates: readonly number[]): Row[] {
  const baseline = results.get('bare') ?? [];
  return [...results].map(([system, rounds]) => {
    const cell = (value: (round: Round) => number): Cell => {
      const values = rounds.map(value);
      const ratios = rounds.map((round, index) => value(round) / value(baseline[index] as Round));
      return { median: median(values), ...(system !== 'bare' && { ratio: spread(ratios) }) };
    };
    return {
      system,
      throughput: cell((round) => round.throughput.result.perSecond),
      serverMsPerEvent: cell((round) => round.throughput.serverMsPerEvent),
      atRate: rates.map((rate) => {
        const at = (round: Round) => {
          const measured = round.atRate.get(rate);
          if (!measured) throw new Error(`nothing was measured at ${rate}/s`);
          return measured;
        };
        return {
          rate,
          p50: cell((round) => at(round).result.p50),
          p99: cell((round) => at(round).result.p99),
          serverMsPerEvent: cell((round) => at(round).serverMsPerEvent),
        };
      }),
    };
  });
}
