// The figures of the process in Prometheus' text format.

import type { Handler } from './exchange.ts'

type Sample = { labels?: Record<string, string>; value: number }
export type Metric = { name: string; help: string; type: 'counter' | 'gauge'; samples: readonly Sample[] }

const labelText = (labels: Record<string, string> = {}): string => {
  const pairs = Object.entries(labels).map(
    ([name, value]) => `${name}="${value.replace(/[\\"]/g, '\\$&').replaceAll('\n', '\\n')}"`,
  )
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`
}

const metricText = ({ name, help, type, samples }: Metric): string =>
  [
    `# HELP ${name} ${help}`,
    `# TYPE ${name} ${type}`,
    ...samples.map(({ labels, value }) => `${name}${labelText(labels)} ${value}`),
  ].join('\n')

/** One page of metrics, ended by a line break as the format demands. */
export const metricsText = (metrics: readonly Metric[]): string => `${metrics.map(metricText).join('\n')}\n`

export const metricHandlers = (collect: () => readonly Metric[]) => {
  const page = (): Response =>
    new Response(metricsText(collect()), { headers: { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' } })
  return { prometheus: page, metrics: page } satisfies Record<string, Handler>
}
