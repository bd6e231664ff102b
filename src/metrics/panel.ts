// A panel of the dashboard and the expressions of which it is made.

/** `unit`: by Grafana's names. */
export type Panel = { title: string; unit: string; queries: readonly (readonly [expression: string, legend: string])[] }
export type Row = { title: string; panels: readonly Panel[] }

/** A metric of the replicas that the dashboard shows; `labels` narrows it down. */
export const of = (metric: string, labels = ''): string =>
  `${metric}{job=~"$job",instance=~"$instance"${labels === '' ? '' : `,${labels}`}}`
export const rate = (metric: string, labels?: string): string => `rate(${of(metric, labels)}[$__rate_interval])`
export const sum = (expression: string, by = ''): string => `sum${by === '' ? '' : ` by (${by})`} (${expression})`
export const quantile = (
  q: number,
  histogram: string,
  { by = '', labels }: { by?: string; labels?: string } = {},
): string => `histogram_quantile(${q}, ${sum(rate(`${histogram}_bucket`, labels), by === '' ? 'le' : `le, ${by}`)})`
export const quantiles = (histogram: string, labels?: string): Panel['queries'] =>
  [0.5, 0.95, 0.99].map((q) => [
    quantile(q, histogram, labels === undefined ? {} : { labels }),
    `${q * 100} % take less`,
  ])
