// Decides on legs from a state that was read before, as src/app/fill.ts does, and sometimes wrongly on purpose: the database must
// refuse those decisions.

import { wholeAmount } from '../../../src/domain/decimal.ts'
import { foldLegs } from '../../../src/domain/fold.ts'
import type { Judgement, Leg } from '../../../src/domain/leg.ts'
import type { JudgedOrder } from '../../../src/domain/order.ts'
import type { ExceptionRow, LedgerRow, LegState, OrderMove } from '../../../src/store/fills.ts'
import { newId, some, someTime, type Memory } from './memory.ts'

/** Each side has its own stamp of a row. */
export type Decided = { moves: Omit<OrderMove, 'stamp'>[]; ledger: LedgerRow[]; exceptions: ExceptionRow[]; now: Date }

const someLeg = ({ random }: Memory, order: JudgedOrder): Leg => ({
  tradeId: `t${random.int(1, 4)}`,
  orderId: order.id,
  side: random.pick(['BUY', 'SELL', null, null, order.side]),
  ticker: random.chance(0.9) ? order.ticker : 'OTHER',
  quantity: wholeAmount(random.int(1, 5)),
  price: wholeAmount(random.int(1, 2)),
  sharesOrder: random.chance(0.05),
})

const rowsOf = (memory: Memory, { orderId, tradeId }: Leg, judgement: Judgement): Omit<Decided, 'moves' | 'now'> => {
  const row = {
    orderId,
    tradeId,
    tradedAt: '2026-01-02T03:04:05.678Z',
    source: { topic: 'trade.executed.v1', partition: 1, offset: BigInt(++memory.count) },
  }
  if (judgement.disposition === 'APPLIED' || judgement.disposition === 'LATE') {
    const late = judgement.disposition === 'LATE'
    return {
      ledger: [{ ...row, content: judgement.content, late, after: judgement.order }],
      exceptions: [],
    }
  }
  if (!('reason' in judgement)) return { ledger: [], exceptions: [] }
  const exception = { ...row, ...judgement, id: newId(memory), key: null, message: Buffer.from('{}') }
  return { ledger: [], exceptions: [exception] }
}

/** Forgets what is recorded: a trade may be applied twice, which the ledger's key refuses. */
const forgetful = (memory: Memory): boolean => memory.random.chance(0.25)

const spoil = (memory: Memory, before: JudgedOrder, after: JudgedOrder): JudgedOrder => {
  if (before === after || !memory.random.chance(0.15)) return after
  const spoiled = memory.random.pick<Partial<JudgedOrder>>([
    { filledQuantity: after.quantity + 1n },
    { status: 'NEW' },
    { status: 'FILLED' },
    { status: 'PARTIALLY_FILLED' },
    { status: 'CANCELED' },
    { filledNotional: 0n },
  ])
  return { ...after, ...spoiled }
}

export const decide = (memory: Memory, state: LegState): Decided => {
  const decided: Decided = { moves: [], ledger: [], exceptions: [], now: someTime(memory) }
  for (const order of state.orders.values()) {
    const legs = some(memory.random, 3, () => someLeg(memory, order))
    const records = forgetful(memory) ? new Map() : state.records.get(order.id)!
    const { order: after, judgements } = foldLegs(order, legs, records, decided.now)
    const rows = judgements.map((judgement, i) => rowsOf(memory, legs[i]!, judgement))
    const [ledger, exceptions] = [rows.flatMap((row) => row.ledger), rows.flatMap((row) => row.exceptions)]
    if (ledger.length + exceptions.length === 0) continue
    decided.moves.push({ after: spoil(memory, order, after!) })
    decided.ledger.push(...ledger)
    decided.exceptions.push(...exceptions)
  }
  return decided
}
