// When an engine could know an order.

import { parseExact } from './amounts.ts'
import type { EventRecord, Evidence } from './evidence.ts'

export const orderIdOf = ({ value }: EventRecord): string => {
  try {
    return String((parseExact(value ?? '') as Record<string, unknown>)['orderId'])
  } catch {
    return ''
  }
}

/** When the placement of each order was first appended, by the broker's clock. An order that is not there was never published. */
export const readPublishedAt = ({ placed }: Pick<Evidence, 'placed'>): Map<string, number> =>
  new Map(
    [...Map.groupBy(placed, orderIdOf)].map(([id, records]) => [
      id,
      Math.min(...records.map(({ appendedAt }) => appendedAt)),
    ]),
  )
