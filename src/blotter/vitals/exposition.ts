// Reads a page of /metrics: Prometheus' text format 0.0.4, as this service and every exporter write it.

export type Labels = Readonly<Record<string, string>>
export type Sample = { labels: Labels; value: number }
/** The samples of each series' name (`x_bucket`, `x_sum` and `x_count` are names of their own), in the order of the page. */
export type Exposition = ReadonlyMap<string, readonly Sample[]>

const sampleLine = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})?\s+(\S+)(?:\s+-?\d+)?$/s
const label = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"/gs

const unescaped = (text: string): string => text.replace(/\\(.)/gs, (_, sign: string) => (sign === 'n' ? '\n' : sign))

const labelsOf = (text: string): Labels =>
  Object.fromEntries([...text.matchAll(label)].map(([, name, value]) => [name!, unescaped(value!)]))

const valueOf = (text: string): number => Number(text.replace(/Inf$/, 'Infinity'))

/** A line that is no sample is left out: a page with something new in it is still read. */
export const parseExposition = (page: string): Exposition => {
  const names = new Map<string, Sample[]>()
  for (const line of page.split('\n')) {
    if (line === '' || line.startsWith('#')) continue
    const [, name, labels = '', value] = sampleLine.exec(line) ?? []
    if (name === undefined || value === undefined) continue
    const sample = { labels: labelsOf(labels), value: valueOf(value) }
    const samples = names.get(name)
    if (samples === undefined) names.set(name, [sample])
    else samples.push(sample)
  }
  return names
}

/** The values of a name whose labels include these, such as `{ http_route: '/orders' }`. */
export const valuesOf = (page: Exposition, name: string, labels: Labels = {}): Sample[] =>
  (page.get(name) ?? []).filter((sample) =>
    Object.entries(labels).every(([key, value]) => sample.labels[key] === value),
  )

/** Their sum; 0 where there are none. */
export const sumOf = (page: Exposition, name: string, labels?: Labels): number =>
  valuesOf(page, name, labels).reduce((sum, { value }) => sum + value, 0)

/** The greatest of them; null where there are none. */
export const maxOf = (page: Exposition, name: string, labels?: Labels): number | null => {
  const values = valuesOf(page, name, labels).map(({ value }) => value)
  return values.length === 0 ? null : Math.max(...values)
}
