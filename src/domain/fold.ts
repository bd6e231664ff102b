// Folds the legs of one order, in the order they came, over its state. However a stream of legs is cut into batches, the
// judgements and the final order are the same: each leg sees what the legs before it left behind.

import { judgeLeg, type Judgement, type Leg, type TradeRecord } from './leg.ts'
import type { JudgedOrder } from './order.ts'

const emptyRecord: TradeRecord = { ledger: null, exceptions: [] }

/** The record of a trade after this judgement of one of its legs. */
const addTo = (record: TradeRecord, judgement: Judgement): TradeRecord => {
  switch (judgement.disposition) {
    case 'APPLIED':
    case 'LATE':
      return { ...record, ledger: judgement.content }
    case 'MISMATCH':
    case 'CONFLICT':
    case 'OVERFILL':
      return { ...record, exceptions: [...record.exceptions, judgement.content] }
    case 'DUPLICATE':
    case 'UNKNOWN_ORDER':
      return record
  }
}

/**
 * Judges `legs` one after the other. `records` maps a trade id to its record for this order; it is not changed. Returns one judgement per
 * leg, and the order after all of them.
 */
export const foldLegs = <T extends JudgedOrder>(
  order: T | undefined,
  legs: readonly Leg[],
  records: ReadonlyMap<string, TradeRecord>,
  now: Date,
): { order: T | undefined; judgements: Judgement<T>[] } => {
  const recordsNow = new Map(records)
  let current = order
  const judgements = legs.map((leg) => {
    const record = recordsNow.get(leg.tradeId) ?? emptyRecord
    const judgement = judgeLeg(current, leg, record, now)
    recordsNow.set(leg.tradeId, addTo(record, judgement))
    if (judgement.disposition === 'APPLIED' || judgement.disposition === 'LATE') current = judgement.order
    return judgement
  })
  return { order: current, judgements }
}
