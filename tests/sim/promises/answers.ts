// Checks every answer that a client got: a promised order is stored, once; a refused one is not stored; one key is one order.

import { differingTerms, type OrderTerms } from '../../../src/domain/terms.ts'
import { orderFromRow } from '../../../src/store/orders.ts'
import type { Canceling, Journal, Placing } from '../journal.ts'
import type { ChangeRecord, OrderRecord, Postgres } from '../postgres/state.ts'

type Facts = {
  db: Postgres
  journal: Journal
  /** By the tag of their call. */
  placed: ReadonlyMap<string, OrderRecord[]>
  canceled: ReadonlyMap<string, ChangeRecord[]>
  broken: (what: string) => void
}

const keyOf = ({ userId, clientOrderId }: OrderTerms): string => `${userId} ${clientOrderId}`

const sameOrder = (a: OrderTerms, b: OrderTerms): boolean =>
  a.userId === b.userId && a.clientOrderId === b.clientOrderId && differingTerms(a, b).length === 0

/** Orders of one batch have one tag: an order is of those with its terms. */
const isOf = ({ terms }: Placing, row: OrderRecord): boolean => sameOrder(orderFromRow(row), terms)

/** The order that an answer says this request stored. */
const storedBy = ({ answer }: Placing): string | undefined => {
  const result = answer?.result ?? null
  if (result === null || !(result.ok || result.code === 'ORDER_REJECTED')) return undefined
  return result.replayed ? undefined : result.order.id
}

/** What a request may have stored: of twins in one batch each has its own, and one without an answer that tells may have any. */
const ownOf = ({ journal, placed }: Facts, placing: Placing): { own: OrderRecord[]; most: number } => {
  const rows = (placed.get(placing.tag) ?? []).filter((order) => isOf(placing, order))
  const isTwin = (other: Placing) =>
    other !== placing && other.tag === placing.tag && sameOrder(other.terms, placing.terms)
  const twins = rows.length === 0 ? [] : journal.placings.filter(isTwin)
  const theirs = new Set(twins.map(storedBy))
  const isSilent = ({ answer }: Placing) =>
    answer === null || answer.result === null || (!answer.result.ok && answer.result.code === 'OUTCOME_UNKNOWN')
  const silent = placing.terms.clientOrderId === null ? twins.filter(isSilent).length : 0
  return { own: rows.filter(({ id }) => !theirs.has(id)), most: 1 + silent }
}

const committedAt = ({ log }: Journal, id: string): number =>
  log.find(({ orderId, version }) => orderId === id && version === 0)!.committedAt

const checkPlacing = (facts: Facts, placing: Placing): void => {
  const { db, journal, broken } = facts
  const { tag, terms, answer, answeredAt, poison } = placing
  const { own, most } = ownOf(facts, placing)
  const must = (condition: boolean, promise: string) => condition || broken(`${tag}: ${promise}`)
  must(own.length <= most, 'one request stores one order at most')
  if (answer === null) return broken(`${tag}: no answer ever came`)
  if (answer.result === null)
    return void must(answer.why === 'lost' || own.length === 0, 'an unreached replica stores nothing')

  const { result } = answer
  const holder = terms.clientOrderId === null ? undefined : db.keys.get(keyOf(terms))?.order_id
  if (result.ok) {
    const row = db.orders.get(result.order.id)
    must(row !== undefined && sameOrder(orderFromRow(row), terms), 'a promised order is stored as it was asked for')
    must(terms.clientOrderId === null || holder === result.order.id, 'one key is one order')
    must(most > 1 || own.length === (result.replayed ? 0 : 1), 'a replay stores nothing, a new call one order')
    must(
      own.every(({ id }) => committedAt(journal, id) <= answeredAt),
      'the answer leaves after the commit',
    )
    return
  }
  if (result.code === 'OUTCOME_UNKNOWN') return
  if (result.code === 'ORDER_REJECTED') {
    const row = db.orders.get(result.order.id)
    must(row !== undefined && sameOrder(orderFromRow(row), terms), 'a refused order is stored as it was asked for')
    must(row?.status === 'REJECTED' && row.version === 0, 'a refused order was never accepted')
    return void must(
      most > 1 || own.length === (result.replayed ? 0 : 1),
      'a replayed refusal stores nothing, a new one one order',
    )
  }
  must(own.length === 0, `nothing was stored by what was refused as ${result.code}`)
  if (result.code === 'INTERNAL') must(poison, 'a neighbour of a bad row is not refused')
  if (result.code === 'IDEMPOTENCY_MISMATCH') must(typeof holder === 'string', 'a reused key has a holder')
  if (result.code === 'VOIDED') must(holder === null, 'a key that is called void is void')
}

const checkCanceling = ({ db, canceled, broken }: Facts, { tag, id, terms, answer }: Canceling): void => {
  const own = canceled.get(tag) ?? []
  const must = (condition: boolean, promise: string) => condition || broken(`${tag}: ${promise}`)
  must(own.length <= 1, 'one cancel ends one order at most')
  if (answer === null) return broken(`${tag}: no answer ever came`)
  if (answer.result === null)
    return void must(answer.why === 'lost' || own.length === 0, 'an unreached replica stores nothing')
  const { result } = answer
  const status = db.orders.get(id)?.status
  if (result.ok) return void must(status === 'CANCELED', 'a canceled order stays canceled')
  if (result.code === 'OUTCOME_UNKNOWN') return
  must(own.length === 0, `nothing was canceled by what was refused as ${result.code}`)
  if (result.code === 'NOT_FOUND') must(status === undefined, 'what was not found does not exist')
  const isOver = status === 'FILLED' || status === 'EXPIRED' || status === 'REJECTED'
  if (result.code === 'NOT_CANCELABLE')
    must(terms.remaining ? isOver : status !== 'NEW', 'what cannot be canceled is not new, or nothing of it remains')
  if (result.code === 'PRECONDITION_FAILED') must(terms.versions !== undefined, 'a version was asked for')
  must(result.code !== 'INTERNAL', 'no cancel is a bug')
}

export const checkAnswers = (db: Postgres, journal: Journal, broken: (what: string) => void): void => {
  const tagOf = ({ cause }: ChangeRecord): string => (JSON.parse(cause) as { requestId?: string }).requestId ?? ''
  const placed = Map.groupBy(db.orders.values(), ({ request_id }) => request_id ?? '')
  const canceled = Map.groupBy([...db.changes.values()].flat(), tagOf)
  const facts = { db, journal, placed, canceled, broken }
  for (const placing of journal.placings) checkPlacing(facts, placing)
  for (const canceling of journal.cancelings) checkCanceling(facts, canceling)
  const codeOf = (error: unknown) => (error as { code?: string }).code
  for (const bug of journal.bugs)
    if (codeOf(bug) !== '22021') broken(`a batch failed as a bug: ${bug instanceof Error ? bug.message : String(bug)}`)
}
