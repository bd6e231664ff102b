// What a histogram of /metrics says of the time between two pages: the difference of its buckets, and a quantile of that.

import { valuesOf, type Exposition, type Labels } from './exposition.ts'

/** How many took at most so many seconds, ascending; the last bound is Infinity. */
export type Bucket = { bound: number; count: number }

/** The buckets of a histogram, added up over every series whose labels include `labels`. */
export const bucketsOf = (page: Exposition, name: string, labels: Labels): Bucket[] => {
  const counts = new Map<number, number>()
  for (const { labels: own, value } of valuesOf(page, `${name}_bucket`, labels)) {
    const bound = own['le'] === '+Inf' ? Infinity : Number(own['le'])
    counts.set(bound, (counts.get(bound) ?? 0) + value)
  }
  return [...counts].map(([bound, count]) => ({ bound, count })).toSorted((a, b) => a.bound - b.bound)
}

/** What came since. A bucket that `before` does not have was empty then. */
export const increaseOf = (before: readonly Bucket[], now: readonly Bucket[]): Bucket[] => {
  const counts = new Map(before.map(({ bound, count }) => [bound, count]))
  return now.map(({ bound, count }) => ({ bound, count: Math.max(0, count - (counts.get(bound) ?? 0)) }))
}

/**
 * The value below which the share `q` of the observations lies, as Prometheus' histogram_quantile estimates it: evenly spread within a
 * bucket, and no more than the greatest finite bound. Null where nothing was observed.
 */
export const quantileOf = (q: number, buckets: readonly Bucket[]): number | null => {
  const total = buckets.at(-1)?.count ?? 0
  if (total === 0) return null
  const rank = q * total
  const at = buckets.findIndex(({ count }) => count >= rank)
  const { bound, count } = buckets[at]!
  const { bound: lower, count: below } = buckets[at - 1] ?? { bound: 0, count: 0 }
  if (bound === Infinity) return lower
  return count === below ? bound : lower + ((bound - lower) * (rank - below)) / (count - below)
}
