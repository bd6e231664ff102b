// Checks halts: between the commit of a halt and that of its end no order that it forbids is accepted, anywhere, and no stop is triggered; a
// trade that was made in a halt triggers nothing, then or later; what was refused was refused in a halt.

import type { Journal, TradeFact } from '../journal.ts'
import type { ChangeRecord, OrderRecord, Postgres } from '../postgres/state.ts'
import { epochMs } from '../world.ts'

type Facts = { db: Postgres; journal: Journal; broken: (what: string) => void }

/**
 * By the clock of the run. `to`: Infinity if it lasts. `until`: the time that its end names, for trades. `epochs`: the first and the one that
 * ended it.
 */
type Halt = { from: number; to: number; until: number; epochs: [bigint, bigint | null] }

const haltsUnder = ({ rules }: Journal, name: string): Halt[] => {
  const halts: Halt[] = []
  for (const { ticker, state, epoch, at, committedAt } of rules) {
    if (ticker !== name) continue
    const last = halts.at(-1)
    const isOpen = last?.to === Infinity
    if (state === 'HALTED' && !isOpen)
      halts.push({ from: committedAt, to: Infinity, until: Infinity, epochs: [epoch, null] })
    if (state === 'ACTIVE' && isOpen)
      Object.assign(last, { to: committedAt, until: at, epochs: [last.epochs[0], epoch] })
  }
  return halts
}

/** The halts of a ticker, and those of all. */
export const haltsOf = (journal: Journal, ticker: string): Halt[] => [
  ...haltsUnder(journal, ticker),
  ...haltsUnder(journal, ''),
]

const isWithin =
  (at: number) =>
  ({ from, to }: Halt): boolean =>
    from < at && at < to
const isOfEpoch =
  (epoch: bigint) =>
  ({ epochs: [from, to] }: Halt): boolean =>
    from <= epoch && (to === null || epoch < to)

const checkTrigger = (facts: Facts, { id, ticker }: OrderRecord, change: ChangeRecord): void => {
  const { journal, broken } = facts
  const halts = haltsOf(journal, ticker)
  const { committedAt } = journal.log.find(({ orderId, version }) => orderId === id && version === change.version)!
  if (halts.some(isWithin(committedAt))) broken(`stop ${id} was triggered while ${ticker} was halted`)
  const { partition, offset } = JSON.parse(change.cause) as { partition: number; offset: string }
  const fact: TradeFact | undefined = journal.trades.get(partition)?.[Number(offset)]
  if (fact === undefined || fact.malformed) return
  // The clock of Postgres is that of the run.
  const madeAt = fact.tradedAt - epochMs
  if (halts.some(({ from, until }) => from < madeAt && madeAt < until))
    broken(`stop ${id} was triggered by a trade that was made while ${ticker} was halted`)
}

export const checkHalts = (facts: Facts): void => {
  const { db, journal, broken } = facts
  const acceptedAt = new Map(
    journal.log.flatMap(({ orderId, version, committedAt }) => (version === 0 ? [[orderId, committedAt]] : [])),
  )
  for (const order of db.orders.values()) {
    const { id, ticker, status, version, reason_code, rules_epoch } = order
    const halts = haltsOf(journal, ticker)
    const inHalt = halts.some(isOfEpoch(BigInt(rules_epoch)))
    if (status === 'REJECTED' && version === 0) {
      if (reason_code !== 'HALTED' || !inHalt) broken(`order ${id} was refused (${reason_code}), and ${ticker} trades`)
      continue
    }
    if (inHalt || halts.some(isWithin(acceptedAt.get(id)!)))
      broken(`order ${id} was accepted while ${ticker} was halted`)
    for (const change of db.changes.get(id) ?? []) if (change.kind === 'TRIGGERED') checkTrigger(facts, order, change)
  }
}

/** Each answer has its change, once; an answer that nothing was changed has none. */
export const checkTradings = ({ journal, broken }: Facts): void => {
  const changes = Map.groupBy(journal.rules, ({ requestId }) => requestId)
  for (const { tag, answer, ticker, state, answeredAt } of journal.tradings) {
    const [change, second] = changes.get(tag) ?? []
    if (answer === null) broken(`${tag}: no answer ever came`)
    if (second !== undefined) broken(`${tag}: one request changes the rules once`)
    if (change !== undefined && (change.ticker !== (ticker ?? '') || change.state !== state))
      broken(`${tag}: the rules were changed in another way`)
    const result = answer?.result
    if (result?.ok === true && (change === undefined || change.committedAt > answeredAt))
      broken(`${tag}: the answer leaves after the commit`)
    if (result?.ok === false && result.code !== 'OUTCOME_UNKNOWN' && change !== undefined)
      broken(`${tag}: nothing was changed by what was refused as ${result.code}`)
    if (result?.ok === false && result.code === 'INTERNAL') broken(`${tag}: no change is a bug`)
  }
}
