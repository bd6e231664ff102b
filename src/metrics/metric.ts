// A metric with its samples, and the page that Prometheus reads: its text format, version 0.0.4.

export type Labels = Readonly<Record<string, string>>
/** `suffix`: which of a histogram's series it belongs to. */
export type Sample = { suffix?: '_bucket' | '_sum' | '_count'; labels?: Labels; value: number }
export type Metric = {
  name: string
  help: string
  type: 'counter' | 'gauge' | 'histogram'
  samples: readonly Sample[]
}

export const gauge = (name: string, help: string, value: number): Metric => ({
  name,
  help,
  type: 'gauge',
  samples: [{ value }],
})
export const counter = (name: string, help: string, value: number): Metric => ({
  name,
  help,
  type: 'counter',
  samples: [{ value }],
})

/** One sample for each label value. */
export const gaugeBy = (
  { name, help, label }: { name: string; help: string; label: string },
  values: Iterable<readonly [string, number]>,
): Metric => ({
  name,
  help,
  type: 'gauge',
  samples: Array.from(values, ([labelled, value]) => ({ labels: { [label]: labelled }, value })),
})

const labelText = (labels: Labels = {}): string => {
  const pairs = Object.entries(labels).map(
    ([name, value]) => `${name}="${value.replace(/[\\"]/g, '\\$&').replaceAll('\n', '\\n')}"`,
  )
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`
}

const metricText = ({ name, help, type, samples }: Metric): string =>
  [
    `# HELP ${name} ${help}`,
    `# TYPE ${name} ${type}`,
    ...samples.map(({ suffix = '', labels, value }) => `${name}${suffix}${labelText(labels)} ${value}`),
  ].join('\n')

/** One page of metrics, ended by a line break as the format demands. */
export const metricsText = (metrics: readonly Metric[]): string => `${metrics.map(metricText).join('\n')}\n`
