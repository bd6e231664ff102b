// A metric with its samples, and the page that Prometheus reads: its text format, version 0.0.4.

export type Labels = Readonly<Record<string, string>>
/** `suffix`: which of a histogram's series it belongs to. */
export type Sample = { suffix?: '_bucket' | '_sum' | '_count'; labels?: Labels; value: number }
/** Everything but the samples. The table in handbook/metrics.md is generated from the declarations. */
export type MetricDeclaration = {
  name: string
  type: 'counter' | 'gauge' | 'histogram'
  /** One or two sentences, for the page of Prometheus and for the handbook. */
  help: string
  labels?: readonly string[]
}
export type Metric = MetricDeclaration & { samples: readonly Sample[] }

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

/** The page of these metrics. It ends with a line break, as the format demands. */
export const metricsText = (metrics: readonly Metric[]): string => `${metrics.map(metricText).join('\n')}\n`
