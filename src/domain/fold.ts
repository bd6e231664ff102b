// Folds the legs of one order, in the order they came, over its state. However a stream of legs is cut into batches, the
// judgements and the final order are the same: each leg sees what the legs before it left behind.

import { judgeLeg, type Judgement, type Leg, type TradeRecord } from './leg.ts'
import type { Order } from './order.ts'

const nothingKnown: TradeRecord = { ledger: null, exceptions: [] }

/** What is recorded of a trade once the leg was judged. */
const remember = (known: TradeRecord, judgement: Judgement): TradeRecord => {
  switch (judgement.disposition) {
    case 'APPLIED':
    case 'LATE':
      return { ...known, ledger: judgement.content }
    case 'MISMATCH':
    case 'CONFLICT':
    case 'OVERFILL':
      return { ...known, exceptions: [...known.exceptions, judgement.content] }
    case 'DUPLICATE':
    case 'UNKNOWN_ORDER':
      return known
  }
}

/**
 * Judges `legs` one after the other. `records` maps a trade id to what is stored of it for this order; it is not changed.
 * Returns one judgement a leg, and the order after all of them.
 */
export const foldLegs = (
  order: Order | undefined,
  legs: readonly Leg[],
  records: ReadonlyMap<string, TradeRecord>,
  now: Date,
): { order: Order | undefined; judgements: Judgement[] } => {
  const known = new Map(records)
  let current = order
  const judgements = legs.map((leg) => {
    const record = known.get(leg.tradeId) ?? nothingKnown
    const judgement = judgeLeg(current, leg, record, now)
    known.set(leg.tradeId, remember(record, judgement))
    if (judgement.disposition === 'APPLIED' || judgement.disposition === 'LATE') current = judgement.order
    return judgement
  })
  return { order: current, judgements }
}
