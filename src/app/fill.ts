// Applying trades: read the state of a batch's orders, judge every leg, write what was decided for those orders that nobody
// changed meanwhile, and decide the rest again, until each leg has its disposition.

import { foldLegs } from '../domain/fold.ts'
import { canonicalUuid } from '../domain/ids.ts'
import type { Disposition, Judgement, Leg } from '../domain/leg.ts'
import type { Order } from '../domain/order.ts'
import { legOf, type Trade } from '../domain/trade.ts'
import { codeOf, storeFault } from '../store/faults.ts'
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
import { sleep } from './sleep.ts'

/** A trade with where it came from and its bytes, which an exception keeps whole. */
export type ReceivedTrade = { trade: Trade; source: Source; key: Uint8Array | null; message: Uint8Array }

/** `fresh`: written by this call, not met again after a redelivery. */
export type LegOutcome = {
  received: ReceivedTrade
  leg: Leg
  disposition: Disposition
  reason: string | null
  fresh: boolean
}

export type FillContext = {
  now: () => Date
  newId: (at: Date) => string
  signal: AbortSignal
  /** Told of every failed attempt; the batch goes on until it succeeds or `signal` is aborted. */
  onRetry: (error: unknown) => void
}

/** The batch was cut off by the signal; what it had not written is as if never received. */
export class FillAborted extends Error {
  override name = 'FillAborted'
}

type PendingLeg = { received: ReceivedTrade; leg: Leg }
type OrderLegs = { orderId: string; legs: readonly PendingLeg[] }

const retryPauseMs = 100
const contendedPauseMs = 5

const outcome = (pending: PendingLeg, disposition: Disposition, reason: string | null, fresh: boolean): LegOutcome => ({
  ...pending,
  disposition,
  reason,
  fresh,
})

/** The legs of a batch by order, in the order they came. Ids that are no UUIDs cannot be orders of ours. */
const groupByOrder = (trades: readonly ReceivedTrade[]): { groups: OrderLegs[]; foreign: LegOutcome[] } => {
  const groups = new Map<string, PendingLeg[]>()
  const foreign: LegOutcome[] = []
  for (const received of trades)
    for (const side of received.trade.sides) {
      const pending = { received, leg: legOf(received.trade, side) }
      if (canonicalUuid(side.orderId) === null)
        foreign.push(outcome(pending, 'UNKNOWN_ORDER', 'the order id is no UUID', true))
      else if (groups.has(side.orderId)) groups.get(side.orderId)!.push(pending)
      else groups.set(side.orderId, [pending])
    }
  return { groups: [...groups].map(([orderId, legs]) => ({ orderId, legs })), foreign }
}

/** What one order's legs come to, before anything is written. */
type Decision = {
  group: OrderLegs
  judgements: Judgement[]
  move: OrderMove | null
  ledger: LedgerRow[]
  exceptions: ExceptionRow[]
}

const decide = (group: OrderLegs, state: LegState, { now, newId }: Pick<FillContext, 'now' | 'newId'>): Decision => {
  const at = now()
  const before: Order | undefined = state.orders.get(group.orderId)
  const { order: after, judgements } = foldLegs(
    before,
    group.legs.map(({ leg }) => leg),
    state.records.get(group.orderId) ?? new Map(),
    at,
  )
  const ledger: LedgerRow[] = []
  const exceptions: ExceptionRow[] = []
  judgements.forEach((judgement, i) => {
    const { received } = group.legs[i]!
    const row = {
      orderId: group.orderId,
      tradeId: received.trade.tradeId,
      tradedAt: received.trade.tradedAt,
      source: received.source,
    }
    if (judgement.disposition === 'APPLIED' || judgement.disposition === 'LATE')
      ledger.push({
        ...row,
        content: judgement.content,
        late: judgement.disposition === 'LATE',
        orderVersion: judgement.order.version,
      })
    else if ('reason' in judgement)
      exceptions.push({ ...row, ...judgement, id: newId(at), key: received.key, message: received.message })
  })
  const writes = ledger.length > 0 || exceptions.length > 0
  const move = writes ? { after: after!, stamp: state.stamps.get(group.orderId)! } : null
  return { group, judgements, move, ledger, exceptions }
}

const outcomesOf = ({ group, judgements, exceptions }: Decision, newExceptions: ReadonlySet<string>): LegOutcome[] => {
  const fresh = [...exceptions]
  return judgements.map((judgement, i) => {
    const pending = group.legs[i]!
    if (!('reason' in judgement))
      return outcome(pending, judgement.disposition, null, judgement.disposition !== 'DUPLICATE')
    return outcome(pending, judgement.disposition, judgement.reason, newExceptions.has(fresh.shift()!.id))
  })
}

/** One attempt: the outcomes of the groups that are settled, and the groups to decide again. */
const attempt = async (
  db: Database,
  groups: readonly OrderLegs[],
  context: FillContext,
): Promise<{ settled: LegOutcome[]; again: OrderLegs[] }> => {
  const pairs = groups.flatMap((group) =>
    [...new Set(group.legs.map(({ leg }) => leg.tradeId))].map((tradeId) => ({ orderId: group.orderId, tradeId })),
  )
  const state = await db.run((sql) => readLegState(sql, pairs))
  const decisions = groups.map((group) => decide(group, state, context))
  const moving = decisions.filter((decision) => decision.move !== null)
  const { written, newExceptions } =
    moving.length === 0
      ? { written: new Set<string>(), newExceptions: new Set<string>() }
      : await db.run((sql) =>
          writeFills(sql, {
            moves: moving.map((decision) => decision.move!),
            ledger: moving.flatMap((decision) => decision.ledger),
            exceptions: moving.flatMap((decision) => decision.exceptions),
            now: context.now(),
          }),
        )
  const isSettled = (decision: Decision) => decision.move === null || written.has(decision.group.orderId)
  return {
    settled: decisions.filter(isSettled).flatMap((decision) => outcomesOf(decision, newExceptions)),
    again: decisions.filter((decision) => !isSettled(decision)).map((decision) => decision.group),
  }
}

/** The rows of one order alone are refused: a bug here, but no reason to stop its partition. */
const unstorable = (group: OrderLegs, error: unknown): LegOutcome[] =>
  group.legs.map((pending) =>
    outcome(
      pending,
      'MALFORMED',
      `could not be stored: ${error instanceof Error ? error.message : String(error)}`,
      true,
    ),
  )

/** A row that Postgres refuses, or a broken invariant of ours: splitting tells which order's legs are at fault. */
const isGuilty = (error: unknown): boolean =>
  storeFault(error) === 'data' || (storeFault(error) === 'bug' && codeOf(error) === '')

/** Settles all groups; on a data error it halves them until the guilty order stands alone. */
const settleGroups = async (
  db: Database,
  groups: readonly OrderLegs[],
  context: FillContext,
): Promise<LegOutcome[]> => {
  const outcomes: LegOutcome[] = []
  let rest = groups
  while (rest.length > 0) {
    if (context.signal.aborted) throw new FillAborted('stopped before the batch was settled')
    try {
      const { settled, again } = await attempt(db, rest, context)
      outcomes.push(...settled)
      if (again.length > 0) await sleep(contendedPauseMs * (1 + Math.random()), context.signal)
      rest = again
    } catch (error) {
      context.onRetry(error)
      if (!isGuilty(error)) await sleep(retryPauseMs * (1 + Math.random()), context.signal)
      else if (rest.length === 1) return [...outcomes, ...unstorable(rest[0]!, error)]
      else {
        const half = rest.length >> 1
        outcomes.push(...(await settleGroups(db, rest.slice(0, half), context)))
        rest = rest.slice(half)
      }
    }
  }
  return outcomes
}

/**
 * Gives every leg of every trade its disposition; returns one outcome a leg, in no order. Trades come in partition order.
 * While Postgres is away it waits and tries again; only `signal` ends it early, with FillAborted.
 */
export const applyTrades = async (
  db: Database,
  trades: readonly ReceivedTrade[],
  context: FillContext,
): Promise<LegOutcome[]> => {
  const { groups, foreign } = groupByOrder(trades)
  return [...foreign, ...(await settleGroups(db, groups, context))]
}
