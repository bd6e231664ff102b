// Applies trades: reads the state of a batch's orders, judges every leg, writes the decisions for the orders that nobody changed meanwhile,
// and decides the rest again, until each leg has its disposition.

import { foldLegs } from '../domain/fold.ts'
import { canonicalUuid } from '../domain/ids.ts'
import type { Disposition, Judgement, Leg } from '../domain/leg.ts'
import type { JudgedOrder } from '../domain/order.ts'
import { legOf, type Trade } from '../domain/trade.ts'
import {
  readLegState,
  writeFills,
  type ExceptionRow,
  type LedgerRow,
  type LegState,
  type OrderMove,
  type Source,
} from '../store/fills.ts'
import type { Database } from '../store/sql.ts'
import { leaveNone, settleByOrder, type Applied, type Leaving, type OrderItems } from './byOrder.ts'
import type { SettleContext } from './settle.ts'

/** A trade, where it came from, and its bytes: an exception stores them unchanged. */
export type ReceivedTrade = { trade: Trade; source: Source; key: Uint8Array | null; message: Uint8Array }

/** `fresh`: false if an earlier delivery has left this result already, else true. */
export type LegOutcome = {
  received: ReceivedTrade
  leg: Leg
  disposition: Disposition
  reason: string | null
  fresh: boolean
}

export type FillContext = SettleContext & {
  now: () => Date
  newId: (at: Date) => string
}

export type PendingLeg = { received: ReceivedTrade; leg: Leg }
export type OrderLegs = OrderItems<PendingLeg>

/** The legs of a batch by order, in the order they came. An id that is not a UUID cannot be that of an order of ours. */
const groupByOrder = (trades: readonly ReceivedTrade[]): { groups: OrderLegs[]; foreign: LegOutcome[] } => {
  const groups = new Map<string, PendingLeg[]>()
  const foreign: LegOutcome[] = []
  for (const received of trades)
    for (const side of received.trade.sides) {
      const pending = { received, leg: legOf(received.trade, side) }
      if (canonicalUuid(side.orderId) === null)
        foreign.push({ ...pending, disposition: 'UNKNOWN_ORDER', reason: 'the order id is no UUID', fresh: true })
      else if (groups.has(side.orderId)) groups.get(side.orderId)!.push(pending)
      else groups.set(side.orderId, [pending])
    }
  return { groups: [...groups].map(([orderId, items]) => ({ orderId, items })), foreign }
}

/** The row that stores a leg, and its table. `nothing`: the leg needs no row. `fresh`: as in LegOutcome. */
type LegWrite =
  | { into: 'ledger'; row: LedgerRow }
  | { into: 'exceptions'; row: ExceptionRow }
  | { into: 'nothing'; fresh: boolean }

type DecidedLeg = { pending: PendingLeg; disposition: Disposition; write: LegWrite }

/** The decisions on the legs of one order, before anything is written. `move`: null if nothing has to be written. */
type Decision = { group: OrderLegs; legs: DecidedLeg[]; move: OrderMove | null }

const writeOf = ({ received, leg }: PendingLeg, judgement: Judgement, newId: () => string): LegWrite => {
  const { key, message, source, trade } = received
  const common = { orderId: leg.orderId, tradeId: trade.tradeId, tradedAt: trade.tradedAt, source }
  switch (judgement.disposition) {
    case 'APPLIED':
    case 'LATE': {
      const { content, disposition, order } = judgement
      const late = disposition === 'LATE'
      return { into: 'ledger', row: { ...common, content, late, after: order } }
    }
    case 'MISMATCH':
    case 'CONFLICT':
    case 'OVERFILL':
      return { into: 'exceptions', row: { ...common, ...judgement, id: newId(), key, message } }
    case 'UNKNOWN_ORDER':
      return { into: 'nothing', fresh: true }
    case 'DUPLICATE':
      return { into: 'nothing', fresh: false }
  }
}

/** The engine goes on with an order that has ended here: it may have forgotten that it was told so. */
const leavesLateRemainder = ({ quantity, filledQuantity }: JudgedOrder, legs: readonly DecidedLeg[]): boolean =>
  filledQuantity < quantity && legs.some(({ write }) => write.into === 'ledger' && write.row.late)

const decide = (group: OrderLegs, state: LegState, { now, newId }: Pick<FillContext, 'now' | 'newId'>): Decision => {
  const at = now()
  const { order: after, judgements } = foldLegs(
    state.orders.get(group.orderId),
    group.items.map(({ leg }) => leg),
    state.records.get(group.orderId) ?? new Map(),
    at,
  )
  const legs = judgements.map((judgement, i): DecidedLeg => {
    const pending = group.items[i]!
    return { pending, disposition: judgement.disposition, write: writeOf(pending, judgement, () => newId(at)) }
  })
  if (!legs.some(({ write }) => write.into !== 'nothing')) return { group, legs, move: null }
  const retoldAs = leavesLateRemainder(after!, legs) ? newId(at) : null
  const move = { after: after!, stamp: state.stamps.get(group.orderId)!, retoldAs }
  return { group, legs, move }
}

const outcomeOf = ({ pending, disposition, write }: DecidedLeg, newExceptions: ReadonlySet<string>): LegOutcome => {
  switch (write.into) {
    case 'ledger':
      return { ...pending, disposition, reason: null, fresh: true }
    case 'exceptions':
      return { ...pending, disposition, reason: write.row.reason, fresh: newExceptions.has(write.row.id) }
    case 'nothing':
      return { ...pending, disposition, reason: null, fresh: write.fresh }
  }
}

/** The rows that a batch of decisions writes. */
const rowsOf = (decisions: readonly Decision[]) => {
  const moves: OrderMove[] = []
  const ledger: LedgerRow[] = []
  const exceptions: ExceptionRow[] = []
  for (const { move, legs } of decisions) {
    if (move !== null) moves.push(move)
    for (const { write } of legs) {
      if (write.into === 'ledger') ledger.push(write.row)
      if (write.into === 'exceptions') exceptions.push(write.row)
    }
  }
  return { moves, ledger, exceptions }
}

const nothingWritten: Awaited<ReturnType<typeof writeFills>> = { written: new Set(), newExceptions: new Set() }

/** One attempt: the outcomes of the groups that are settled, and the groups to decide again. */
const attempt = async (
  db: Database,
  groups: readonly OrderLegs[],
  context: FillContext,
): Promise<{ settled: LegOutcome[]; again: OrderLegs[] }> => {
  const pairs = groups.flatMap((group) =>
    [...new Set(group.items.map(({ leg }) => leg.tradeId))].map((tradeId) => ({ orderId: group.orderId, tradeId })),
  )
  const state = await db.run((sql) => readLegState(sql, pairs))
  const decisions = groups.map((group) => decide(group, state, context))
  const rows = rowsOf(decisions)
  const { written, newExceptions } =
    rows.moves.length === 0 ? nothingWritten : await db.run((sql) => writeFills(sql, { ...rows, now: context.now() }))
  const isSettled = ({ move, group }: Decision): boolean => move === null || written.has(group.orderId)
  return {
    settled: decisions.filter(isSettled).flatMap(({ legs }) => legs.map((leg) => outcomeOf(leg, newExceptions))),
    again: decisions.filter((decision) => !isSettled(decision)).map(({ group }) => group),
  }
}

const unstorable = (groups: readonly OrderLegs[], reason: string): LegOutcome[] =>
  groups.flatMap(({ items }) =>
    items.map((pending) => ({ ...pending, disposition: 'MALFORMED' as const, reason, fresh: true })),
  )

/** Gives legs their dispositions, but for those that are left. */
export const applyLegs = (
  db: Database,
  groups: readonly OrderLegs[],
  context: FillContext,
  leaving: Leaving,
): Promise<Applied<PendingLeg, LegOutcome>> =>
  settleByOrder(groups, { attempt: (some) => attempt(db, some, context), unstorable }, context, leaving)

/**
 * Gives every leg of every trade its disposition; returns one outcome per leg, in no particular order. Trades come in partition order.
 * While Postgres is away, or somebody has an order locked, it waits and tries again; only `signal` ends it early, with SettleAborted.
 * `leaving`: it does not wait for locked orders. `onLeft` is called with their legs, which have no outcome then.
 */
export const applyTrades = async (
  db: Database,
  trades: readonly ReceivedTrade[],
  context: FillContext,
  leaving: Leaving & { onLeft?: (left: readonly OrderLegs[]) => void } = leaveNone,
): Promise<LegOutcome[]> => {
  const { groups, foreign } = groupByOrder(trades)
  const { outcomes, left } = await applyLegs(db, groups, context, leaving)
  if (left.length > 0) leaving.onLeft?.(left)
  return [...foreign, ...outcomes]
}
