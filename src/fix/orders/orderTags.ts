// The tags of a NewOrderSingle: those that are terms of the order, and those that change nothing about it. Any other tag asks for something
// that the service does not do, and is refused: nothing that a client asks for is dropped.

import type { TermName } from '../../domain/terms.ts'

/** The tag of each term. */
export const termTags = {
  userId: 1,
  clientOrderId: 11,
  ticker: 55,
  side: 54,
  type: 40,
  timeInForce: 59,
  quantity: 38,
  price: 44,
  stopPrice: 99,
  displayQuantity: 111,
  postOnly: 18,
  expiresAt: 126,
} as const satisfies Record<TermName, number>

export const expireDateTag = 432

/** Those that say how the order is to be worked, or what its numbers mean: only these values are what the service does anyway. */
const bound: ReadonlyMap<number, readonly string[]> = new Map([
  [21, ['1', '2']],
  [63, ['0']],
  [423, ['2']],
  [854, ['0']],
])

// Who ordered, for whom and in which capacity; other names of the instrument; texts and times. The venue is this one.
const informative = new Set([
  15, 22, 48, 58, 60, 75, 100, 106, 107, 167, 207, 229, 354, 355, 447, 448, 452, 453, 460, 461, 523, 526, 528, 529, 581,
  582, 583, 660, 802, 803,
])

const ofTerms = new Set<number>([...Object.values(termTags), expireDateTag])

/** Why an order cannot have this field, completes "<tag> …"; null: it can. */
export const tagFault = (tag: number, value: string): string | null => {
  if (ofTerms.has(tag) || informative.has(tag)) return null
  const values = bound.get(tag)
  if (values === undefined) return 'is not supported: leave it out'
  return values.includes(value) ? null : `must be ${values.join(' or ')}, or be left out`
}
