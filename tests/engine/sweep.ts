// What one taker gets of the queue of a level, in turn: from each order what it shows, and again from the front, where
// icebergs show their next slices by then. Hidden quantity so never trades before what others show at that price. What he takes
// of one order is one sum, however many slices it was: a slice may be a hundred-millionth of a huge order, so rounds of the whole
// queue are counted together wherever no order shows less in the next one.

import { take } from './levels.ts'
import type { Half, Level, Resting } from './levels.ts'

const smaller = (a: bigint, b: bigint): bigint => (a < b ? a : b)

const queueOf = (level: Level): Resting[] => {
  const queue: Resting[] = []
  for (let resting = level.first; resting !== null; resting = resting.after) queue.push(resting)
  return queue
}

/** How often this order can be taken what it shows before it shows something else: 1 for all but whole slices. */
const sameRounds = ({ shown, display, remaining }: Resting): bigint => (shown === display ? remaining / shown : 1n)

/** Takes up to `wanted`; what each order gave, in the order in which they were first met. */
export const sweep = (half: Half, level: Level, wanted: bigint): Map<Resting, bigint> => {
  const taken = new Map<Resting, bigint>()
  let left = wanted
  const takeOf = (resting: Resting, quantity: bigint): bigint => {
    take(half, resting, quantity)
    taken.set(resting, (taken.get(resting) ?? 0n) + quantity)
    return quantity
  }
  while (left > 0n && level.first !== null) {
    if (left < level.shown) {
      left -= takeOf(level.first, smaller(left, level.first.shown))
      continue
    }
    const queue = queueOf(level)
    const rounds = queue.map(sameRounds).reduce(smaller, left / level.shown)
    for (const resting of queue) left -= takeOf(resting, rounds * resting.shown)
  }
  return taken
}
