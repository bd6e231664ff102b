// Promises: the same numbers for the same seed, for ever, whatever the engine's own generator does (sfc32, seeded by splitmix32).

export type Random = {
  /** 0 ≤ x < 1. */
  next: () => number
  /** Both ends included. */
  int: (from: number, to: number) => number
  chance: (probability: number) => boolean
  pick: <T>(list: readonly T[]) => T
  /** Mostly short, sometimes long, never more than `max`. */
  skewed: (max: number) => number
  /** A generator of its own: drawing from it changes nothing here. */
  fork: () => Random
}

const splitmix = (seed: number): (() => number) => {
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

export const createRandom = (seed: number): Random => {
  const fill = splitmix(seed)
  let [a, b, c, d] = [fill(), fill(), fill(), 1]
  const word = (): number => {
    const t = (a + b + d) | 0
    d = (d + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = ((c << 21) | (c >>> 11)) + t
    return t >>> 0
  }
  for (let i = 0; i < 12; i++) word()

  const next = (): number => word() / 4_294_967_296
  const int = (from: number, to: number): number => from + Math.floor(next() * (to - from + 1))
  return {
    next,
    int,
    chance: (probability) => next() < probability,
    pick: (list) => list[int(0, list.length - 1)]!,
    skewed: (max) => next() ** 4 * max,
    fork: () => createRandom(word()),
  }
}

const hexOf = (random: Random, digits: number): string => {
  let text = ''
  while (text.length < digits) text += random.int(0, 15).toString(16)
  return text
}

/** A UUIDv7 of that millisecond. */
export const uuidOf = (random: Random, at: Date): string => {
  const time = at.getTime().toString(16).padStart(12, '0')
  return `${time.slice(0, 8)}-${time.slice(8)}-7${hexOf(random, 3)}-8${hexOf(random, 3)}-${hexOf(random, 12)}`
}
