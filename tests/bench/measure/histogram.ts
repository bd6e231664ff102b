// Latencies in the manner of HdrHistogram: counts in buckets whose width grows with the value, so that every value up to half an
// hour is kept to three significant digits in a fixed 94 kB. (The npm package of that name has had one release in three years
// and brings three packages of old majors along; what is needed of it stands on this page.)

/** Microseconds below this are kept exactly; above, to one part in 1,024. */
const exactBelow = 2_048
const half = exactBelow / 2
const doublings = 20
const highest = 2 ** 31 - 1

const bucketOf = (micros: number): number => {
  const value = Math.min(Math.max(Math.round(micros), 0), highest)
  if (value < exactBelow) return value
  const shift = 21 - Math.clz32(value)
  return exactBelow + (shift - 1) * half + (value >>> shift) - half
}

/** The highest value that falls into the bucket: a percentile is never understated. */
const topOf = (bucket: number): number => {
  if (bucket < exactBelow) return bucket
  const shift = Math.floor((bucket - exactBelow) / half) + 1
  const part = ((bucket - exactBelow) % half) + half
  return (part + 1) * 2 ** shift - 1
}

/** The counts that are not zero: what one process tells another. */
export type SparseCounts = readonly (readonly [bucket: number, count: number])[]

export type Histogram = {
  /** Microseconds. */
  record: (micros: number) => void
  count: () => number
  /** In milliseconds; `part` from 0 to 1. NaN where nothing was recorded. */
  percentileMs: (part: number) => number
  add: (counts: SparseCounts) => void
  sparse: () => SparseCounts
}

export const createHistogram = (...parts: readonly SparseCounts[]): Histogram => {
  const counts = new Uint32Array(exactBelow + doublings * half)
  let total = 0
  const add = (sparse: SparseCounts): void => {
    for (const [bucket, count] of sparse) {
      counts[bucket]! += count
      total += count
    }
  }
  parts.forEach(add)
  return {
    record(micros) {
      counts[bucketOf(micros)]!++
      total++
    },
    count: () => total,
    percentileMs(part) {
      const rank = Math.max(1, Math.ceil(part * total))
      let count = 0
      for (let bucket = 0; bucket < counts.length; bucket++) {
        count += counts[bucket]!
        if (count >= rank) return topOf(bucket) / 1000
      }
      return Number.NaN
    },
    add,
    sparse: () => [...counts.entries()].filter(([, count]) => count > 0),
  }
}

export type Percentiles = { p50Ms: number; p99Ms: number; p999Ms: number }

export const percentilesOf = (histogram: Histogram): Percentiles => ({
  p50Ms: histogram.percentileMs(0.5),
  p99Ms: histogram.percentileMs(0.99),
  p999Ms: histogram.percentileMs(0.999),
})
