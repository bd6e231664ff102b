// Checks what every follower saw against the log, by the rows of the fake Postgres and nothing of the service: nothing invented, nothing
// changed, no version before its predecessor, nothing missing at the end, and nothing before what was committed when it was asked for.

import type { FollowerRecord, Journal, LoggedRow, Segment } from '../journal.ts'
import type { Plan } from '../plan.ts'
import type { OrderRecord, Postgres } from '../postgres/state.ts'

export type Facts = { db: Postgres; journal: Journal; plan: Plan; broken: (what: string) => void }
/** A row of the log with what it says of its order. `filled`: in parts of 10^-8. */
type Row = LoggedRow & { kind: string; status: string; filled: number; detail: string }
type Truth = ReadonlyMap<string, readonly Row[]>

const partsOf = (quantity: unknown): number => Math.round(Number(quantity) * 1e8)

const finals = ['FILLED', 'CANCELED', 'REJECTED', 'EXPIRED']

const detailOf = (db: Postgres, { what, orderId, version }: LoggedRow, order: OrderRecord): string => {
  const { version: last, status, reason_code: code } = order
  if (what === 'order' && status === 'REJECTED' && last === 0) return `${code} by ${order.request_id}`
  if (what === 'order') return `by ${order.request_id} of ${order.subject}`
  if (what === 'change') {
    const change = db.changes.get(orderId)!.find((row) => row.version === version)!
    const { requestId, partition, offset } = JSON.parse(change.cause) as EventJson['cause']
    if (change.kind === 'TRIGGERED') return `triggered by ${partition}@${offset}`
    return `${change.reason_code} by ${requestId}`
  }
  const fill = db.ledger.get(orderId)!.find((row) => row.order_version === version)!
  const { trade_id, side, quantity, price, late, kafka_partition, kafka_offset } = fill
  return `${trade_id} ${side} ${Number(quantity)} at ${Number(price)} ${late} from ${kafka_partition}@${kafka_offset}`
}

/** The versions of an order as the rows make them, one after the other. */
const versionsOf = (db: Postgres, rows: readonly LoggedRow[]): Row[] => {
  const order = db.orders.get(rows[0]!.orderId)!
  const refused = order.status === 'REJECTED' && order.version === 0
  let [filled, status] = [0, refused ? 'REJECTED' : 'NEW']
  return rows
    .toSorted((a, b) => a.version - b.version)
    .map((row) => {
      const fill = db.ledger.get(order.id)?.find((other) => other.order_version === row.version)
      const change = db.changes.get(order.id)?.find((other) => other.version === row.version)
      if (row.what === 'fill') {
        filled += partsOf(fill!.quantity)
        if (!fill!.late) status = filled === partsOf(order.quantity) ? 'FILLED' : 'PARTIALLY_FILLED'
      }
      if (row.what === 'change' && change!.kind !== 'TRIGGERED') status = change!.kind
      const kind =
        row.what === 'order' ? (refused ? 'REJECTED' : 'ACCEPTED') : row.what === 'fill' ? 'FILLED' : change!.kind
      return { ...row, kind, status, filled, detail: detailOf(db, row, order) }
    })
}

export const truthOf = ({ db, journal, broken }: Facts): Truth => {
  const grouped = Map.groupBy(journal.log, ({ orderId }) => orderId)
  const truth = new Map([...grouped].map(([id, rows]) => [id, versionsOf(db, rows)]))
  for (const [id, rows] of truth)
    if (rows.some(({ version }, i) => version !== i) || db.orders.get(id)!.version !== rows.length - 1)
      broken(`the log of order ${id} has versions ${rows.map(({ version }) => version).join(' ')}`)
  return truth
}

export const passes = ({ db }: Facts, { filter }: FollowerRecord, orderId: string): boolean => {
  const order = db.orders.get(orderId)!
  return (
    order.ticker === (filter.ticker ?? order.ticker) &&
    order.user_id === (filter.userId ?? order.user_id) &&
    order.id === (filter.orderId ?? order.id)
  )
}

type FillJson = { tradeId: string; side: string; quantity: number; price: number; late: boolean }
type EventJson = {
  orderId: string
  version: number
  kind: string
  status: string
  filledQuantity: number
  fill?: FillJson
  reason?: { code: string }
  cause: { requestId?: string; subject?: string; partition?: number; offset?: string }
}
type Message = { event: EventJson; order: Pick<EventJson, 'version' | 'status' | 'filledQuantity'> & { id: string } }

const detailOfEvent = ({ kind, fill, reason, cause }: EventJson): string => {
  const { requestId, subject = null, partition, offset } = cause
  if (fill !== undefined) {
    const { tradeId, side, quantity, price, late } = fill
    return `${tradeId} ${side} ${quantity} at ${price} ${late} from ${partition}@${offset}`
  }
  if (kind === 'TRIGGERED') return `triggered by ${partition}@${offset}`
  return reason === undefined ? `by ${requestId} of ${subject}` : `${reason.code} by ${requestId}`
}

/** The row that a text says; undefined: it says nothing that is in the log. */
export const rowOf = (truth: Truth, text: string): Row | undefined => {
  const { event, order } = JSON.parse(text) as Message
  const row = truth.get(event.orderId)?.[event.version]
  const same =
    row !== undefined &&
    order.id === event.orderId &&
    event.kind === row.kind &&
    [event, order].every(({ status, version }) => status === row.status && version === row.version) &&
    [event, order].every(({ filledQuantity }) => partsOf(filledQuantity) === row.filled) &&
    detailOfEvent(event) === row.detail
  return same ? row : undefined
}

type View = { facts: Facts; truth: Truth; record: FollowerRecord; segment: Segment; broken: (what: string) => void }

export const nameOf = ({ orderId, version, what }: LoggedRow): string => `${what} ${orderId} version ${version}`

/** By order id, the version that the follower knows first. */
const checkSnapshot = ({ facts, truth, record, segment, broken }: View): Map<string, number> => {
  const known = new Map<string, number>()
  for (const { id, version, status, at } of segment.snapshot ?? []) {
    const row = truth.get(id)?.[version]
    if (row === undefined || row.committedAt > at || row.status !== status || !passes(facts, record, id))
      broken(`its snapshot has order ${id} at version ${version}, ${status}`)
    if (finals.includes(status)) broken(`its snapshot has order ${id}, which is ${status}`)
    known.set(id, version)
  }
  return known
}

const checkVersions = (view: View, known: Map<string, number>, rows: readonly Row[]): void => {
  const { truth, segment, broken } = view
  for (const row of rows) {
    const { orderId: id, version } = row
    const before = known.get(id)
    if (before === undefined && version > 0) {
      const missed = truth.get(id)![version - 1]!
      if (missed.committedAt > (segment.liveAt ?? Infinity))
        broken(`its first event of order ${id} is version ${version}, and the one before came after the beginning`)
    }
    if (before !== undefined && version > before + 1) broken(`after version ${before} of order ${id} came ${version}`)
    known.set(id, Math.max(version, before ?? 0))
  }
}

/**
 * What was committed before something else was asked for stands before it. What was committed before the follower was live may come again
 * at any time: a replica that has not read as far as its cursor repeats what comes before that.
 */
const checkOrder = ({ segment, broken }: View, rows: readonly Row[]): void => {
  let latest: Row | null = null
  for (const row of new Set(rows)) {
    if (row.committedAt <= (segment.liveAt ?? Infinity)) continue
    if (latest !== null && row.committedAt < latest.startedAt)
      broken(`${nameOf(latest)} came before ${nameOf(row)}, which was committed before the other was asked for`)
    if (latest === null || row.startedAt > latest.startedAt) latest = row
  }
}

/** The order as it was at a time; undefined: not there yet. */
const rowAt = (rows: readonly Row[], at: number): Row | undefined =>
  rows.findLast(({ committedAt }) => committedAt <= at)

/** The orders of which the follower has not seen the last version, though it should have. */
const missing = ({ facts, truth, record, segment }: View, known: ReadonlyMap<string, number>): Row[] => {
  const { liveAt, beganAt, snapshot } = segment
  if (liveAt === null) return []
  return [...truth].flatMap(([id, rows]) => {
    const last = rows.at(-1)!
    if (!passes(facts, record, id) || known.get(id) === last.version) return []
    if (known.has(id) || last.committedAt > liveAt) return last
    const wasOpen = rows[0]!.committedAt < beganAt && !finals.includes(rowAt(rows, liveAt)!.status)
    return wasOpen && snapshot !== null ? last : []
  })
}

const checkSegment = (view: View, isLast: boolean): void => {
  const { facts, truth, record, segment, broken } = view
  const known = checkSnapshot(view)
  const rows = segment.events.flatMap(({ text, at }) => {
    const row = rowOf(truth, text)
    if (row !== undefined && row.committedAt <= at && passes(facts, record, row.orderId)) return row
    broken(`it got what is not in the log, or not for it, or not yet: ${text}`)
    return []
  })
  checkVersions(view, known, rows)
  checkOrder(view, rows)
  if (isLast) for (const row of missing(view, known)) broken(`it never got ${nameOf(row)}`)
}

/** Checks the last segment of a follower alone. */
export const checkWhole = (facts: Facts, record: FollowerRecord): void => {
  const broken = (what: string): void => facts.broken(`follower ${record.name}, after the loss: ${what}`)
  checkSegment({ facts, truth: truthOf(facts), record, segment: record.segments.at(-1)!, broken }, true)
}

const checkResets = ({ plan }: Facts, { resets }: FollowerRecord, broken: (what: string) => void): void => {
  for (const { reason } of resets) {
    if (reason === 'OTHER_DATABASE') broken('it was told that the database is another one')
    if (reason === 'TOO_FAR_BEHIND' && plan.resumeMaxEvents >= 1_000_000)
      broken('it was told that it is too far behind')
    if (reason === 'CURSOR_TOO_OLD' && plan.cursorMaxAgeMs >= 3_600_000)
      broken('it was told that its cursor is too old')
  }
}

export const checkLog = (facts: Facts): void => {
  const { journal } = facts
  const truth = truthOf(facts)
  for (const record of journal.followers) {
    const broken = (what: string): void => facts.broken(`follower ${record.name}: ${what}`)
    checkResets(facts, record, broken)
    for (const [i, segment] of record.segments.entries())
      checkSegment({ facts, truth, record, segment, broken }, i === record.segments.length - 1)
  }
  const texts = new Map<string, string>()
  for (const { text } of journal.followers.flatMap(({ segments }) => segments).flatMap(({ events }) => events)) {
    const row = rowOf(truth, text)
    const name = row === undefined ? text : nameOf(row)
    if ((texts.get(name) ?? text) !== text) facts.broken(`${name} was written in two ways`)
    texts.set(name, text)
  }
}

/** Whether a follower has begun, and has seen the last version of every order that it should have seen. */
export const haveSeenLast = (facts: Facts, record: FollowerRecord): boolean => {
  const { db, journal } = facts
  const segment = record.segments.at(-1)
  if (segment === undefined || segment.liveAt === null) return false
  const known = new Map(segment.snapshot?.map(({ id, version }) => [id, version]))
  for (const { text } of segment.events) {
    const { event } = JSON.parse(text) as Message
    known.set(event.orderId, Math.max(event.version, known.get(event.orderId) ?? 0))
  }
  return journal.log.every(
    ({ orderId, committedAt }) =>
      !passes(facts, record, orderId) ||
      known.get(orderId) === db.orders.get(orderId)!.version ||
      (!known.has(orderId) && committedAt <= segment.liveAt!),
  )
}
