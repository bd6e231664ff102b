// Zipf's law with exponent 1: the k-th of n things is drawn with probability 1/k over the sum of all.

import type { Random } from '../../support/random.ts'

/** Draws ranks from 1 to `n`. */
export const createZipf = (n: number): ((rng: Pick<Random, 'next'>) => number) => {
  const upTo = new Float64Array(n)
  let sum = 0
  for (let k = 1; k <= n; k++) upTo[k - 1] = sum += 1 / k
  return (rng) => {
    const target = rng.next() * sum
    let [low, high] = [0, n - 1]
    while (low < high) {
      const middle = (low + high) >> 1
      if (upTo[middle]! > target) high = middle
      else low = middle + 1
    }
    return low + 1
  }
}

/** The same within a percent or two as SQL, from `random()`: for rows that the database makes by itself. */
export const zipfSql = (n: number): string => `greatest(1, ceil(0.5 * ${2 * n + 1} ^ random() - 0.5))::integer`
