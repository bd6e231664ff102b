// The little arithmetic that turns rounds into figures.

export type Spread = { median: number; min: number; max: number; rounds: number }

const sorted = (values: readonly number[]): number[] => values.toSorted((a, b) => a - b)

/** Of an even number of values, the mean of the two in the middle. NaN for none. */
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
