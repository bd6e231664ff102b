// Each hand-over to a follower costs a wake-up, a write and a packet. So a follower at the head that gets change after change has them
// together, those of one window at its end. Who gets few has each at once.

export type Gathered = {
  /** It may have what came for it. */
  release: () => void
}

export type Gathering = {
  /** Something came for a follower: may it have that at once? If not, it is released at the end of the window. */
  admits: (one: Gathered) => boolean
  /** How many followers would have to wait for what comes now. */
  waiting: () => number
  /** It follows no more. */
  forget: (one: Gathered) => void
}

/** What it may have at once before the windows count: an order's acceptance and its first fills, say. Each window gives one of them back. */
export const admittedMax = 4

/** `windowMs`: 0 holds nothing back. */
export const createGathering = (windowMs: number): Gathering => {
  /** How many hand-overs each follower had that no window has given back. */
  const counts = new Map<Gathered, number>()
  let held = new Set<Gathered>()
  let runs = false

  const count = (one: Gathered): number => counts.get(one) ?? 0

  /** How many have all that they may. */
  let spent = 0

  const set = (one: Gathered, next: number): void => {
    spent += Number(next >= admittedMax) - Number(count(one) >= admittedMax)
    if (next === 0) counts.delete(one)
    else counts.set(one, next)
  }

  const arm = (): void => {
    runs = counts.size > 0
    if (runs) setTimeout(endWindow, windowMs)
  }

  const endWindow = (): void => {
    const due = held
    held = new Set()
    for (const [one, had] of counts) set(one, had - 1)
    for (const one of due) {
      set(one, count(one) + 1)
      one.release()
    }
    arm()
  }

  return {
    admits(one) {
      if (windowMs === 0) return true
      if (count(one) >= admittedMax) {
        held.add(one)
        return false
      }
      set(one, count(one) + 1)
      if (!runs) arm()
      return true
    },
    waiting: () => spent,
    forget(one) {
      held.delete(one)
      set(one, 0)
    },
  }
}
