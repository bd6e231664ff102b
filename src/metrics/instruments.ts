// Counters and histograms that count things as they happen. They are on the path of every request and every event, so one write to a
// series costs only some nanoseconds (`bun tests/metrics/cost.ts`).

import type { Labels, Metric, MetricDeclaration, Sample } from './metric.ts'

type Declaration = Omit<MetricDeclaration, 'type'>

type CounterSeries = { add: (n?: number) => void }
type GaugeSeries = { add: (n: number) => void; set: (value: number) => void }
type HistogramSeries = { observe: (value: number) => void }

/** `of` takes the values of the labels, in their order. On a hot path keep the series that it returns. */
type Instrument<S> = { of: (...values: string[]) => S; metric: () => Metric }
export type Gauge = Instrument<GaugeSeries>
export type Counter = Instrument<CounterSeries>
export type Histogram = Instrument<HistogramSeries>

/** A label has few values. If a bug makes many, those past this bound are counted together, so that the page stays small. */
const seriesMax = 1_000
const overflowValue = 'other'

type Sampled<S> = S & { samples: (labels: Labels) => Sample[] }

const createInstrument = <S extends Sampled<object>>(
  { name, help, labels = [] }: Declaration,
  type: Metric['type'],
  make: () => S,
) => {
  const seriesByValues = new Map<string, { series: S; labels: Labels }>()

  const add = (key: string, values: readonly string[]): S => {
    if (seriesByValues.size >= seriesMax && values.some((value) => value !== overflowValue))
      return of(...labels.map(() => overflowValue))
    const series = make()
    seriesByValues.set(key, { series, labels: Object.fromEntries(labels.map((label, i) => [label, values[i]!])) })
    return series
  }
  const of = (...values: string[]): S => {
    const key = values.join('\n')
    return seriesByValues.get(key)?.series ?? add(key, values)
  }
  // Without labels there is one series, and it exists from the start.
  if (labels.length === 0) of()

  return {
    of,
    metric: (): Metric => ({
      name,
      help,
      type,
      labels,
      samples: seriesByValues
        .values()
        .flatMap(({ series, labels }) => series.samples(labels))
        .toArray(),
    }),
  }
}

export const createCounter = (declaration: Declaration): Counter =>
  createInstrument<Sampled<CounterSeries>>(declaration, 'counter', () => {
    let value = 0
    return {
      add(n = 1) {
        value += n
      },
      samples: (labels) => [{ labels, value }],
    }
  })

/** For what somebody counts up and down as it happens. What can be read when the page is requested is read then: state.ts. */
export const createGauge = (declaration: Declaration): Gauge =>
  createInstrument<Sampled<GaugeSeries>>(declaration, 'gauge', () => {
    let value = 0
    return {
      add(n) {
        value += n
      },
      set(next) {
        value = next
      },
      samples: (labels) => [{ labels, value }],
    }
  })

/** `buckets`: upper bounds, ascending; the last bucket, without a bound, is added. */
export const createHistogram = (declaration: Declaration & { buckets: readonly number[] }): Histogram => {
  const bounds = Float64Array.from(declaration.buckets)
  const texts = [...declaration.buckets.map(String), '+Inf']
  return createInstrument<Sampled<HistogramSeries>>(declaration, 'histogram', () => {
    const counts = new Float64Array(bounds.length + 1)
    let sum = 0
    return {
      observe(value) {
        let i = 0
        while (i < bounds.length && value > bounds[i]!) i++
        counts[i]!++
        sum += value
      },
      samples(labels) {
        let count = 0
        const buckets = texts.map((le, i) => {
          count += counts[i]!
          return { suffix: '_bucket' as const, labels: { ...labels, le }, value: count }
        })
        return [...buckets, { suffix: '_sum', labels, value: sum }, { suffix: '_count', labels, value: count }]
      },
    }
  })
}
