// A strict reader of Prometheus' text format 0.0.4. It throws at the first thing that the format does not allow, and at what it
// allows and no client library does: series of one metric apart from each other, a counter not named so, a broken histogram.

import assert from 'node:assert/strict'

export type Series = { name: string; labels: Record<string, string>; value: number }
export type Family = { name: string; help: string; type: string; series: Series[] }

const nameText = '[a-zA-Z_:][a-zA-Z0-9_:]*'
const helpLine = new RegExp(`^# HELP (${nameText}) (\\S.*)$`)
const typeLine = new RegExp(`^# TYPE (${nameText}) (counter|gauge|histogram)$`)
const sampleLine = new RegExp(`^(${nameText})(?:\\{(.+)\\})? (\\S+)$`, 's')
const labelText = /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(?:,|$)/s
const number = /^(?:[+-]?(?:\d+(?:\.\d+)?(?:e[+-]?\d+)?|Inf)|NaN)$/

const valueOf = (text: string): number => {
  assert.match(text, number)
  return Number(text.replace('Inf', 'Infinity'))
}

const labelsOf = (text: string): Record<string, string> => {
  const labels: Record<string, string> = {}
  for (let rest = text; rest !== '';) {
    const found = labelText.exec(rest)
    assert(found, `no label: ${rest}`)
    const [whole, name, value] = found as unknown as [string, string, string]
    assert(!Object.hasOwn(labels, name), `${name} twice: ${text}`)
    labels[name] = value.replace(/\\(.)/g, (_, char: string) => (char === 'n' ? '\n' : char))
    rest = rest.slice(whole.length)
    assert(!whole.endsWith(',') || rest !== '', `a comma at the end: ${text}`)
  }
  return labels
}

const seriesKey = ({ name, labels }: Series): string =>
  JSON.stringify([name, Object.entries(labels).toSorted(([a], [b]) => (a < b ? -1 : 1))])

const checkHistogram = ({ name, series }: Family): void => {
  const without = ({ labels }: Series): string => {
    const rest = Object.fromEntries(Object.entries(labels).filter(([label]) => label !== 'le'))
    return seriesKey({ name, labels: rest, value: 0 })
  }
  for (const [labels, own] of Map.groupBy(series, without)) {
    const buckets = own.filter((one) => one.name === `${name}_bucket`)
    const [sum, count] = ['_sum', '_count'].map((end) => own.filter((one) => one.name === name + end))
    assert(sum!.length === 1 && count!.length === 1, `one sum and one count: ${labels}`)
    assert.equal(own.length, buckets.length + 2, `something else beside the buckets: ${labels}`)
    const bounds = buckets.map(({ labels: { le } }) => valueOf(le!))
    assert.deepEqual(
      bounds,
      [...new Set(bounds)].toSorted((a, b) => a - b),
      `bounds ascend: ${labels}`,
    )
    const counts = buckets.map(({ value }) => value)
    assert.deepEqual(
      counts,
      counts.toSorted((a, b) => a - b),
      `buckets are cumulative: ${labels}`,
    )
    assert.equal(bounds.at(-1), Infinity, `the last bucket has no bound: ${labels}`)
    assert.equal(counts.at(-1), count![0]!.value, `the last bucket is the count: ${labels}`)
  }
}

const checkFamily = (family: Family): void => {
  const { name, type, series } = family
  const keys = series.map(seriesKey)
  assert.equal(new Set(keys).size, keys.length, `a series twice: ${name}`)
  if (type === 'histogram') return checkHistogram(family)
  for (const one of series) assert.equal(one.name, name)
  assert.equal(name.endsWith('_total'), type === 'counter', `${name} is a ${type}`)
  if (type === 'counter') for (const { value } of series) assert(value >= 0, name)
}

const begin = (help: string, type: string | undefined): Family => {
  const [, name, text] = helpLine.exec(help) ?? []
  const [, typed, kind] = typeLine.exec(type ?? '') ?? []
  assert(name !== undefined && name === typed, `HELP and TYPE: ${help} ${type}`)
  return { name, help: text!, type: kind!, series: [] }
}

/** The families of a page by name. */
export const parseExposition = (page: string): Map<string, Family> => {
  assert(page.endsWith('\n'), 'the last line has an end')
  const families = new Map<string, Family>()
  const lines = page.slice(0, -1).split('\n')
  let current: Family | null = null
  for (let i = 0; i < lines.length; i++) {
    const line = lines[i]!
    if (line.startsWith('#')) {
      current = begin(line, lines[++i])
      assert(!families.has(current.name), `${current.name} twice`)
      families.set(current.name, current)
      continue
    }
    const found = sampleLine.exec(line)
    assert(found !== null && current !== null, `no sample of a metric: ${line}`)
    assert(line.startsWith(current.name), `a line between those of ${current.name}: ${line}`)
    const [, name, labels = '', value] = found as unknown as [string, string, string | undefined, string]
    current.series.push({ name, labels: labelsOf(labels), value: valueOf(value) })
  }
  for (const family of families.values()) checkFamily(family)
  return families
}
