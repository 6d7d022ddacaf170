export interface Panel {
  title: string;
  /** `ticks`: names for 0, 1, 2, …. Without them the axis shows numbers from 0. */
  x: { label: string; ticks?: readonly string[] };
  series: readonly { name: string; points: readonly { x: number; y: number }[] }[];
}

const size = { width: 360, height: 260, left: 48, right: 12, top: 32, bottom: 72 };
const inner = {
  width: size.width - size.left - size.right,
  height: size.height - size.top - size.bottom,
};
/** Distinguishable for colour-blind readers, on light and dark backneutrals. */
const colours = ['#0072b2', '#e69f00', '#009e73', '#cc79a7'];
const neutral = '#888';

/** Line charts side by side, each from zero. */
export function svg(panels: readonly Panel[]): string {
  const width = panels.length * size.width;
  const body = panels.map(
    (panel, index) => `<g transform="translate(${index * size.width} 0)">${chart(panel)}</g>`,
  );
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${size.height}" font-family="sans-serif" font-size="11" fill="${neutral}"><title>Throughput of relay and consumers</title>
${body.join('\n')}
</svg>
`;
}

function chart({ title, x, series }: Panel): string {
  const all = series.flatMap(({ points }) => points);
  const top = niceAbove(Math.max(0, ...all.map((point) => point.y)));
  const right = x.ticks ? x.ticks.length - 1 : niceAbove(Math.max(0, ...all.map((point) => point.x)));
  const atX = (value: number) => round(size.left + (value / right) * inner.width);
  const atY = (value: number) => round(size.top + (1 - value / top) * inner.height);
  const yTicks = [0, 0.25, 0.5, 0.75, 1].map((share) => share * top);
  const xTicks = x.ticks
    ? x.ticks.map((text, at) => ({ text, at }))
    : [0, 0.25, 0.5, 0.75, 1].map((share) => ({ text: short(share * right), at: share * right }));
  return [
    text(size.width / 2, 16, title, 'middle'),
    ...yTicks.flatMap((tick) => [
      `<path d="M${size.left} ${atY(tick)}h${inner.width}" stroke="${neutral}" stroke-opacity="0.3"/>`,
      text(size.left - 6, atY(tick) + 4, short(tick), 'end'),
    ]),
    ...xTicks.map(({ text: name, at }) => text(atX(at), size.top + inner.height + 16, name, 'middle')),
    text(size.left + inner.width / 2, size.top + inner.height + 32, x.label, 'middle'),
    ...series.map(({ points }, index) => {
      const path = points
        .map((point, at) => `${at === 0 ? 'M' : 'L'}${atX(point.x)} ${atY(point.y)}`)
        .join('');
      return `<path d="${path}" fill="none" stroke="${colourOf(index)}" stroke-width="2"/>`;
    }),
    ...series.map(({ name }, index) => legend(name, index)),
  ].join('\n');
}

function legend(name: string, index: number): string {
  const left = size.left + (index % 2) * (inner.width / 2);
  const top = size.height - 22 + Math.floor(index / 2) * 14;
  const line = `<path d="M${left} ${top - 4}h16" stroke="${colourOf(index)}" stroke-width="2"/>`;
  return `${line}${text(left + 22, top, name, 'start')}`;
}

function text(x: number, y: number, content: string, anchor: 'start' | 'middle' | 'end'): string {
  const safe = content.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
  return `<text x="${round(x)}" y="${round(y)}" text-anchor="${anchor}">${safe}</text>`;
}

/** The next of 1, 2, 4, 8 times a power of ten, so that quarters are short numbers. */
function niceAbove(value: number): number {
  if (value <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  const factor = [1, 2, 4, 8, 10].find((each) => each * power >= value) ?? 10;
  return factor * power;
}

function short(value: number): string {
  return value >= 1_000 ? `${round(value / 1_000)}k` : `${round(value)}`;
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}

function colourOf(index: number): string {
  return colours[index % colours.length] as string;
}
