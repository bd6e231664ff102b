// The little arithmetic that turns rounds into figures.

export type Spread = { median: number; min: number; max: number; rounds: number }

const sorted = (values: readonly number[]): number[] => values.toSorted((a, b) => a - b)

/** The median; for an even number of values, the mean of the two in the middle. NaN for none. */
export const median = (values: readonly number[]): number => {
  const ordered = sorted(values)
  const middle = ordered.length >> 1
  if (ordered.length % 2 === 1) return ordered[middle]!
  return (ordered[middle - 1]! + ordered[middle]!) / 2
}

/** The least value that `part` (0 to 1) of all values do not exceed. NaN for none. */
export const percentile = (values: readonly number[], part: number): number => {
  const ordered = sorted(values)
  return ordered[Math.max(0, Math.ceil(part * ordered.length) - 1)] ?? Number.NaN
}

export const spreadOf = (values: readonly number[]): Spread => ({
  median: median(values),
  min: Math.min(...values),
  max: Math.max(...values),
  rounds: values.length,
})

export const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length

/** Least squares: by how much y rises for each unit of x. 0 where all x are the same. */
export const slope = (points: readonly { x: number; y: number }[]): number => {
  const [x0, y0] = [mean(points.map(({ x }) => x)), mean(points.map(({ y }) => y))]
  const spread = points.reduce((sum, { x }) => sum + (x - x0) ** 2, 0)
  return spread === 0 ? 0 : points.reduce((sum, { x, y }) => sum + (x - x0) * (y - y0), 0) / spread
}

export type Interval = { low: number; high: number; coverage: number }

/** How likely a fair coin falls on one side at most `most` times in `throws`. */
const atMost = (most: number, throws: number): number => {
  let [term, sum] = [0.5 ** throws, 0]
  for (let heads = 0; heads <= most; heads++) {
    sum += term
    term *= (throws - heads) / (heads + 1)
  }
  return sum
}

/**
 * The interval of the sign test for the true median, for any distribution: of all pairs of values equally far from both ends, the
 * innermost with at least the requested confidence; `coverage` is its actual confidence. If there are too few values (five or less,
 * for 95 %), no pair reaches it: then the interval goes from the least to the greatest value, with their confidence.
 */
export const medianInterval = (values: readonly number[], confidence = 0.95): Interval => {
  const ordered = sorted(values)
  const n = ordered.length
  const coverage = (fromEnd: number): number => 1 - 2 * atMost(fromEnd, n)
  let fromEnd = 0
  while (2 * (fromEnd + 1) < n - 1 && coverage(fromEnd + 1) >= confidence) fromEnd++
  return {
    low: ordered[fromEnd] ?? Number.NaN,
    high: ordered[n - 1 - fromEnd] ?? Number.NaN,
    coverage: n === 0 ? Number.NaN : coverage(fromEnd),
  }
}
