// Random numbers (sfc32) that depend on a seed alone: the same on every machine and in every version of the runtime. They draw the
// faults of chaos, the cases of the fuzzers, the histories of the simulation and the load of the benchmark.

export type Random = {
  /** 0 ≤ x < 1. */
  next: () => number
  /** A whole number, both ends included. */
  int: (from: number, to: number) => number
  /** A whole number, 0 ≤ n < end. */
  below: (end: number) => number
  chance: (probability: number) => boolean
  pick: <T>(items: readonly T[]) => T
  /** As `pick`, each item with its weight. */
  weighted: <T>(items: readonly (readonly [weight: number, item: T])[]) => T
  shuffle: <T>(items: readonly T[]) => T[]
  /** Mostly small, sometimes large, 0 ≤ x < max. */
  skewed: (max: number) => number
  /** A UUID of version 4 in form. */
  uuid: () => string
  /** A UUIDv7 of that millisecond. */
  uuidv7: (at: Date) => string
  /** A generator of its own: drawing from it changes nothing here. */
  fork: () => Random
}

const drawMax = 2 ** 32
const roundsOfWarmUp = 12

/** Whole numbers, 0 ≤ n < 2^32, of Chris Doty-Humphrey's sfc32. */
const sfc32 = (state: readonly [number, number, number], start: number): (() => number) => {
  let [a, b, c] = state
  let counter = start
  return () => {
    const sum = (a + b + counter) | 0
    counter = (counter + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = ((c << 21) | (c >>> 11)) + sum
    return sum >>> 0
  }
}

/** Turns similar seeds into very different states. */
const splitmix32 = (seed: number): (() => number) => {
  let state = seed | 0
  return () => {
    state = (state + 0x9e3779b9) | 0
    let z = state ^ (state >>> 16)
    z = Math.imul(z, 0x21f0aaad)
    z ^= z >>> 15
    z = Math.imul(z, 0x735a2d97)
    return (z ^ (z >>> 15)) >>> 0
  }
}

const randomFrom = (draw: () => number): Random => {
  const next = (): number => draw() / drawMax
  const below = (end: number): number => Math.floor(next() * end)
  const int = (from: number, to: number): number => from + below(to - from + 1)
  const hex = (digits: number): string => Array.from({ length: digits }, () => below(16).toString(16)).join('')
  return {
    next,
    int,
    below,
    chance: (probability) => next() < probability,
    pick: (items) => items[below(items.length)]!,
    weighted(items) {
      let left = next() * items.reduce((sum, [weight]) => sum + weight, 0)
      for (const [weight, item] of items) if ((left -= weight) < 0) return item
      return items.at(-1)![1]
    },
    shuffle(items) {
      const shuffled = [...items]
      for (let i = shuffled.length - 1; i > 0; i--) {
        const j = int(0, i)
        ;[shuffled[i], shuffled[j]] = [shuffled[j]!, shuffled[i]!]
      }
      return shuffled
    },
    skewed: (max) => next() ** 4 * max,
    uuid: () => `${hex(8)}-${hex(4)}-4${hex(3)}-a${hex(3)}-${hex(12)}`,
    uuidv7(at) {
      const time = at.getTime().toString(16).padStart(12, '0')
      return `${time.slice(0, 8)}-${time.slice(8)}-7${hex(3)}-8${hex(3)}-${hex(12)}`
    },
    fork: () => createRandom(draw()),
  }
}

/** The numbers of a seed. */
export const createRandom = (seed: number): Random => {
  const word = splitmix32(seed)
  const draw = sfc32([word(), word(), word()], 1)
  for (let i = 0; i < roundsOfWarmUp; i++) draw()
  return randomFrom(draw)
}

/** The numbers of a named stream, as `randomStream(seed, 'cycle', 7)`: one more draw from one changes nothing in another. */
export const randomStream = (...names: readonly (string | number)[]): Random => {
  const [a = 0, b = 0, c = 0, d = 0] = new Uint32Array(
    new Bun.CryptoHasher('sha256').update(names.join('/')).digest().buffer.slice(0, 16),
  )
  return randomFrom(sfc32([a, b, c], d))
}
