// Promises: the same seed gives the same numbers, on every machine and for ever, so that a failing case can be had
// again.

export type Rng = {
  /** In [0, 1). */
  next: () => number
  /** A whole number in [0, below). */
  int: (below: number) => number
  chance: (probability: number) => boolean
  pick: <T>(items: readonly T[]) => T
  /** As `pick`, each with its weight. */
  weighted: <T>(items: readonly (readonly [number, T])[]) => T
}

/** FNV-1a over the text, so that neighbouring case numbers give unlike states. */
const hash = (text: string, salt: number): number => {
  let h = 0x811c9dc5 ^ salt
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193)
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  return (h ^ (h >>> 13)) >>> 0
}

/** sfc32: small, fast, and good enough to pick hostile bytes. */
export const createRng = (seed: string): Rng => {
  let [a, b, c, counter] = [hash(seed, 1), hash(seed, 2), hash(seed, 3), 1]
  const next = (): number => {
    const t = (a + b + counter++) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = ((c << 21) | (c >>> 11)) + t
    return (t >>> 0) / 2 ** 32
  }
  for (let i = 0; i < 12; i++) next()
  const int = (below: number): number => Math.floor(next() * below)
  return {
    next,
    int,
    chance: (probability) => next() < probability,
    pick: (items) => items[int(items.length)]!,
    weighted(items) {
      let left = next() * items.reduce((sum, [weight]) => sum + weight, 0)
      for (const [weight, item] of items) if ((left -= weight) < 0) return item
      return items.at(-1)![1]
    },
  }
}

const hexOf = (rng: Rng, digits: number): string =>
  Array.from({ length: digits }, () => rng.int(16).toString(16)).join('')

export const uuidOf = (rng: Rng): string =>
  `${hexOf(rng, 8)}-${hexOf(rng, 4)}-4${hexOf(rng, 3)}-a${hexOf(rng, 3)}-${hexOf(rng, 12)}`
