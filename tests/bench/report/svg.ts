// A line chart as SVG: axes with ticks and units, a label at the end of each line, nothing that needs a script or a font of its own.

type Scale = 'linear' | 'log'
type Axis = { label: string; scale: Scale; /** Ticks at these values alone. */ at?: readonly number[] }
export type Line = { name: string; points: readonly { x: number; y: number }[] }
export type Chart = { title: string; x: Axis; y: Axis; lines: readonly Line[] }

const size = { width: 720, height: 400 } as const
/** The labels of the lines stand in the right margin. */
const plot = { left: 76, right: 590, top: 48, bottom: 340 } as const
const colors = ['#1d4ed8', '#c2410c', '#047857', '#7e22ce', '#be123c', '#0f766e'] as const
const font = 'system-ui, -apple-system, Segoe UI, Helvetica, Arial, sans-serif'
const labelHeight = 16

const escape = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')

const short = (value: number): string => {
  if (value >= 1_000_000) return `${Number((value / 1_000_000).toPrecision(3))} M`
  if (value >= 10_000) return `${Number((value / 1_000).toPrecision(3))} k`
  return value.toLocaleString('en-US', Number.isInteger(value) ? {} : { maximumSignificantDigits: 3 })
}

/** 1, 2 or 5 times a power of ten: about `count` steps over the range. */
export const linearTicks = (from: number, to: number, count = 5): number[] => {
  const rough = (to - from) / count || 1
  const power = 10 ** Math.floor(Math.log10(rough))
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((candidate) => candidate >= rough)!
  const first = Math.ceil(from / step)
  return Array.from({ length: Math.floor(to / step) - first + 1 }, (_, i) => (first + i) * step)
}

/** Powers of ten, with 2 and 5 between them where there are few. */
export const logTicks = (from: number, to: number): number[] => {
  const [low, high] = [Math.floor(Math.log10(from)), Math.ceil(Math.log10(to))]
  const factors = high - low > 3 ? [1] : [1, 2, 5]
  return Array.from({ length: high - low + 1 }, (_, i) => factors.map((factor) => factor * 10 ** (low + i)))
    .flat()
    .filter((tick) => tick >= from * 0.999 && tick <= to * 1.001)
}

type Mapped = { ticks: number[]; position: (value: number) => number }

/** A linear axis begins at zero, so that a difference looks as large as it is. */
const mapAxis = ({ scale, at }: Axis, values: readonly number[], [start, end]: readonly [number, number]): Mapped => {
  const most = Math.max(...values, ...(at ?? []))
  const least = Math.min(...values, ...(at ?? []))
  const of = scale === 'log' ? Math.log10 : (value: number) => value
  const [from, to] = scale === 'log' ? [least * 0.9, most * 1.15] : [Math.min(0, least), most * 1.06 || 1]
  const position = (value: number): number => start + ((of(value) - of(from)) / (of(to) - of(from))) * (end - start)
  return { ticks: [...(at ?? (scale === 'log' ? logTicks(from, to) : linearTicks(from, to)))], position }
}

const n = (value: number): string => value.toFixed(1)

const text = (x: number, y: number, content: string, attributes = ''): string =>
  `<text x="${n(x)}" y="${n(y)}" ${attributes}>${escape(content)}</text>`

const grid = (x: Mapped, y: Mapped): string[] => [
  ...y.ticks.flatMap((tick) => [
    `<line x1="${plot.left}" x2="${plot.right}" y1="${n(y.position(tick))}" y2="${n(y.position(tick))}" stroke="#e5e7eb"/>`,
    text(plot.left - 8, y.position(tick) + 4, short(tick), 'text-anchor="end" fill="#4b5563"'),
  ]),
  ...x.ticks.flatMap((tick) => [
    `<line x1="${n(x.position(tick))}" x2="${n(x.position(tick))}" y1="${plot.bottom}" y2="${plot.bottom + 5}" stroke="#6b7280"/>`,
    text(x.position(tick), plot.bottom + 20, short(tick), 'text-anchor="middle" fill="#4b5563"'),
  ]),
  `<line x1="${plot.left}" x2="${plot.right}" y1="${plot.bottom}" y2="${plot.bottom}" stroke="#6b7280"/>`,
]

/** Moves lower labels down if labels would cover each other. Answers one height for each, in the same order. */
export const spreadLabels = (heights: readonly number[]): number[] => {
  const placed: number[] = []
  const order = heights.map((height, i) => ({ height, i })).toSorted((a, b) => a.height - b.height)
  let lowest = Number.NEGATIVE_INFINITY
  for (const { height, i } of order) placed[i] = lowest = Math.max(height, lowest + labelHeight)
  return placed
}

const drawLine = ({ points }: Line, color: string, x: Mapped, y: Mapped): string => {
  const at = points.map((point) => `${n(x.position(point.x))},${n(y.position(point.y))}`)
  // The dots of many points would only hide the line.
  const dots = points.length > 30 ? [] : at.map((place) => place.split(','))
  return [
    `<polyline points="${at.join(' ')}" fill="none" stroke="${color}" stroke-width="2"/>`,
    ...dots.map(([cx, cy]) => `<circle cx="${cx}" cy="${cy}" r="3" fill="${color}"/>`),
  ].join('')
}

export const lineChart = ({ title, x: xAxis, y: yAxis, lines }: Chart): string => {
  const drawn = lines.filter(({ points }) => points.length > 0)
  const values = drawn.flatMap(({ points }) => points)
  const x = mapAxis(
    xAxis,
    values.map((point) => point.x),
    [plot.left, plot.right],
  )
  const y = mapAxis(
    yAxis,
    values.map((point) => point.y),
    [plot.bottom, plot.top],
  )
  const color = (i: number): string => colors[i % colors.length]!
  const labels = spreadLabels(drawn.map(({ points }) => y.position(points.at(-1)!.y)))
  const middle = (plot.top + plot.bottom) / 2
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${size.width} ${size.height}" font-family="${font}" font-size="12" role="img">`,
    `<title>${escape(title)}</title>`,
    `<rect width="${size.width}" height="${size.height}" fill="#ffffff"/>`,
    text(plot.left, 26, title, 'font-size="15" font-weight="600" fill="#111827"'),
    ...grid(x, y),
    text((plot.left + plot.right) / 2, plot.bottom + 44, xAxis.label, 'text-anchor="middle" fill="#111827"'),
    text(20, middle, yAxis.label, `text-anchor="middle" fill="#111827" transform="rotate(-90 20 ${n(middle)})"`),
    ...drawn.map((line, i) => drawLine(line, color(i), x, y)),
    ...drawn.map(({ name }, i) => text(plot.right + 10, labels[i]! + 4, name, `fill="${color(i)}" font-weight="600"`)),
    '</svg>\n',
  ].join('\n')
}
