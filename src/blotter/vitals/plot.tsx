// A small plot of the last minutes, with the threshold of its alert as a dashed line. uPlot draws it on a canvas.

import { useEffect, useRef } from 'preact/hooks'
import uPlot from 'uplot'
import 'uplot/dist/uPlot.min.css'
import type { Figures } from './figures.ts'
import { shownMs, type History } from './history.ts'
import type { Sign } from './signs.ts'

const height = 96

const colour = (name: string): string => getComputedStyle(document.documentElement).getPropertyValue(name)

const clock = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' })

/** The line, and in words what it means. */
const drawThreshold = (plot: uPlot, threshold: number, text: string): void => {
  const { ctx, bbox } = plot
  const y = Math.round(plot.valToPos(threshold, 'y', true))
  ctx.save()
  ctx.strokeStyle = colour('--bad')
  ctx.fillStyle = colour('--bad')
  ctx.lineWidth = devicePixelRatio
  ctx.setLineDash([4 * devicePixelRatio, 4 * devicePixelRatio])
  ctx.beginPath()
  ctx.moveTo(bbox.left, y)
  ctx.lineTo(bbox.left + bbox.width, y)
  ctx.stroke()
  ctx.font = `${11 * devicePixelRatio}px ${colour('--sans')}`
  ctx.textAlign = 'right'
  ctx.textBaseline = 'bottom'
  ctx.fillText(text, bbox.left + bbox.width, y - 2 * devicePixelRatio)
  ctx.restore()
}

type Live = { sign: Sign; latest: Figures | null }

const optionsOf = (width: number, live: () => Live): uPlot.Options => {
  const { sign } = live()
  const threshold = (): number | null => {
    const { latest } = live()
    return latest === null ? null : sign.threshold(latest)
  }
  const axis = {
    stroke: () => colour('--ink-soft'),
    font: '11px system-ui, sans-serif',
    ticks: { show: false },
  } as const
  return {
    width,
    height,
    legend: { show: false },
    cursor: { show: false },
    padding: [8, 8, 0, 0],
    scales: {
      x: { time: true, range: () => [(Date.now() - shownMs) / 1000, Date.now() / 1000] },
      // From zero, and always so high that the threshold is seen: how far away trouble is.
      y: { range: (_, __, max) => [0, Math.max((max ?? 0) * 1.1, (threshold() ?? 0) * 1.5) || 1] },
    },
    axes: [
      {
        ...axis,
        size: 18,
        gap: 2,
        space: 90,
        grid: { show: false },
        values: (_, at) => at.map((s) => clock.format(s * 1000)),
      },
      {
        ...axis,
        size: 56,
        gap: 4,
        space: 28,
        grid: { stroke: () => colour('--line'), width: 1 },
        values: (_, values) => values.map((value) => sign.format(value)),
      },
    ],
    series: [
      {},
      ...sign.curves.map(({ label }, at) => ({
        label,
        stroke: () => colour(at === 0 ? '--accent' : '--ink-soft'),
        width: at === 0 ? 1.5 : 1,
        points: { show: false },
      })),
    ],
    hooks: {
      draw: [
        (plot) => {
          const at = threshold()
          if (at !== null) drawThreshold(plot, at, `alert beyond ${sign.format(at)}`)
        },
      ],
    },
  }
}

const dataOf = ({ curves }: Sign, { figures }: History): uPlot.AlignedData => {
  // Where nobody looked, a point without a value ends the line.
  const times = figures.map((one, at) => (one ?? figures[at + 1])!.at / 1000 - (one === null ? 1 : 0))
  return [times, ...curves.map(({ of }) => figures.map((one) => (one === null ? null : of(one))))]
}

/** What the plot shows, for whoever does not see it. */
const descriptionOf = ({ title, curves, format }: Sign, { figures }: History): string => {
  const [{ label, of }] = curves
  const values = figures.flatMap((one) => (one === null ? [] : [of(one)])).filter((value) => value !== null)
  if (values.length === 0) return `${title}, the last minutes: nothing yet`
  return `${title}, the last minutes: ${label} from ${format(Math.min(...values))} to ${format(Math.max(...values))}`
}

export const Plot = ({ sign, history }: { sign: Sign; history: History }) => {
  const place = useRef<HTMLDivElement>(null)
  const plot = useRef<uPlot | null>(null)
  const live = useRef<Live>({ sign, latest: null })
  live.current = { sign, latest: history.figures.at(-1) ?? null }
  useEffect(() => {
    const element = place.current!
    const own = new uPlot(
      optionsOf(element.clientWidth, () => live.current),
      [[]],
      place.current!,
    )
    plot.current = own
    const sizes = new ResizeObserver(() => own.setSize({ width: element.clientWidth, height }))
    sizes.observe(element)
    const scheme = matchMedia('(prefers-color-scheme: dark)')
    const redraw = (): void => own.redraw()
    scheme.addEventListener('change', redraw)
    return () => {
      sizes.disconnect()
      scheme.removeEventListener('change', redraw)
      own.destroy()
    }
  }, [sign])
  useEffect(() => plot.current?.setData(dataOf(sign, history)), [sign, history])
  return <div class="vitals-plot" ref={place} role="img" aria-label={descriptionOf(sign, history)} />
}
