// The arithmetic of a recount: it compares the answers to the load generator with the stored and the published orders. Pure, so
// that recount.test.ts can produce each of its sentences.

import { mean, slope } from '../measure/statistics.ts'

export type Recount = { ok: boolean; faults: string[]; facts: Record<string, number> }

/** Events that wait to be published, and those that were, at one moment. */
export type BacklogSample = { atMs: number; waiting: number; published: number }

export type OrderEvidence = {
  /** Answers 202. */
  acked: number
  /** Their ids, where the load generator reads them. */
  ackedIds: readonly string[] | null
  /** Requests whose answer nobody read: each may have been stored or not. */
  unanswered: number
  /** The ids in the table, those of a loader left out. */
  stored: ReadonlySet<string>
  /** The event id of each order on the topic. */
  published: ReadonlyMap<string, string>
  /** Orders that were seen under a second event id. */
  publishedTwice: number
  /** Records that repeat an event id: allowed, consumers dedupe on it. */
  repeats: number
  /** Rows left in the outbox. */
  waiting: number
}

export type TradeEvidence = {
  /** `order trade` of every leg that has to be in the ledger. */
  expectedLegs: ReadonlySet<string>
  ledgerLegs: readonly string[]
  expectedExceptions: number
  exceptions: number
  /** Messages on the dead-letter topic, each source once. */
  expectedLetters: number
  letters: number
  /** As the service counts them: a duplicate leaves nothing behind that could be counted. */
  expectedDuplicates: number
  duplicates: number
  /** Messages that the group has not committed. */
  lag: number
}

const count = (n: number, what: string): string[] => (n > 0 ? [`${n.toLocaleString('en-US')} ${what}`] : [])
const conclude = (faults: string[], facts: Record<string, number>): Recount => ({
  ok: faults.length === 0,
  faults,
  facts,
})
const missing = (ids: Iterable<string>, from: { has: (id: string) => boolean }): number => {
  let absent = 0
  for (const id of ids) if (!from.has(id)) absent++
  return absent
}

export const judgeOrders = (evidence: OrderEvidence): Recount => {
  const { acked, ackedIds, unanswered, stored, published, publishedTwice, repeats, waiting } = evidence
  const faults = [
    ...count(acked - stored.size, 'acknowledged orders are not stored'),
    ...count(stored.size - acked - unanswered, 'orders are stored that nobody asked for, or more than once'),
    ...(ackedIds === null ? [] : count(missing(ackedIds, stored), 'acknowledged ids are not stored')),
    ...(ackedIds === null ? [] : count(ackedIds.length - new Set(ackedIds).size, 'ids were acknowledged twice')),
    ...count(missing(stored, published), 'stored orders were not published'),
    ...count(missing(published.keys(), stored), 'published orders are not stored'),
    ...count(publishedTwice, 'orders were published under two event ids'),
    ...count(waiting, 'events still wait in the outbox'),
  ]
  return conclude(faults, { acked, stored: stored.size, published: published.size, repeats })
}

export const judgeTrades = (evidence: TradeEvidence): Recount => {
  const ledger = new Set(evidence.ledgerLegs)
  const differs = (what: string, expected: number, found: number): string[] =>
    expected === found ? [] : [`${found.toLocaleString('en-US')} ${what}, not ${expected.toLocaleString('en-US')}`]
  const faults = [
    ...count(missing(evidence.expectedLegs, ledger), 'legs are not in the ledger'),
    ...count(missing(ledger, evidence.expectedLegs), 'legs are in the ledger that were not to be applied'),
    ...count(evidence.ledgerLegs.length - ledger.size, 'legs are in the ledger twice'),
    ...differs('exceptions', evidence.expectedExceptions, evidence.exceptions),
    ...differs('messages on the dead-letter topic', evidence.expectedLetters, evidence.letters),
    ...differs('duplicate legs counted', evidence.expectedDuplicates, evidence.duplicates),
    ...count(evidence.lag, 'messages are not committed'),
  ]
  const { exceptions, letters, duplicates } = evidence
  return conclude(faults, { applied: ledger.size, exceptions, letters, duplicates })
}

/** The backlog may wander by this part of what was published meanwhile, or by so many events, before it counts as growing. */
const flatWithin = { part: 0.05, events: 2_000 }

/** Flat over the last half: the service published as much as it accepted, so the rate is sustainable. */
export const judgeBacklog = (samples: readonly BacklogSample[]): Recount => {
  const half = samples.slice(Math.floor(samples.length / 2))
  const [first, last] = [half[0], half.at(-1)]
  if (first === undefined || last === undefined || last.atMs === first.atMs)
    return conclude(['the backlog was not looked at'], {})
  const growth = slope(half.map(({ atMs, waiting }) => ({ x: atMs, y: waiting }))) * (last.atMs - first.atMs)
  const allowed = Math.max(flatWithin.events, flatWithin.part * (last.published - first.published))
  const facts = { backlog: Math.round(mean(half.map(({ waiting }) => waiting))), backlogGrowth: Math.round(growth) }
  return conclude(growth > allowed ? [`the backlog grew by ${facts.backlogGrowth} over the last half`] : [], facts)
}

/** Compares the count of a limit with the rows in the table. */
export const judgeRows = (what: string, expected: number, found: number): Recount =>
  conclude(expected === found ? [] : [`${found} ${what} are stored, not ${expected}`], { [what]: found })

export const mergeRecounts = (...recounts: readonly Recount[]): Recount =>
  conclude(
    recounts.flatMap(({ faults }) => faults),
    Object.assign({}, ...recounts.map(({ facts }) => facts)) as Record<string, number>,
  )
