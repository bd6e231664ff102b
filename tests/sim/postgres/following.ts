// The fake of the statements that read the log (src/store/log.ts): what a place has not seen, by transaction.

import { type LogRow, type Postgres } from './state.ts'
import { isVisible, snapshotOf, xminOf, type Snapshot } from './transactions.ts'

type Column = (string | null)[]
type State = { db: Postgres; now: Snapshot; floor: bigint; epochXact: bigint; columns: object }
type Mark = LogRow & { bounded: boolean }

/** A place, as every statement takes it: what its reader has seen, and the witness. */
export type PlaceParameters = { past: bigint; running: Column; witness: Column }
export type FilterParameters = {
  userId: string | null
  ticker: string | null
  orderId: string | null
  /** Sessions of FIX, by which no order here came; null: everybody's. */
  interest: { sessions: readonly (string | null)[]; userIds: readonly (string | null)[] } | null
}

export const textOf = (snapshot: Snapshot): string => `${xminOf(snapshot)}:${snapshot.xmax}:${snapshot.xip.join(',')}`

export const snapshotFrom = (text: string): Snapshot => {
  const [, xmax, xip = ''] = text.split(':')
  return { xmax: BigInt(xmax!), xip: xip === '' ? [] : xip.split(',').map(BigInt) }
}

const isWitnessed = ({ log }: Postgres, [xact, position, orderId, version]: Column): boolean => {
  if (xact === null) return true
  // Two tables may each have a row of one version, if somebody spoils an order.
  return log.some(
    (row) =>
      row.orderId === orderId &&
      row.version === Number(version) &&
      row.xact === BigInt(xact!) &&
      row.position === BigInt(position!),
  )
}

const stateOf = (db: Postgres, { witness }: PlaceParameters): State => {
  const now = snapshotOf(db)
  const epoch = db.epochs.at(-1)!
  const columns = {
    snapshot: textOf(now),
    standby: false,
    epoch: epoch.epoch,
    epoch_xact: String(epoch.xact),
    ours: true,
    witnessed: isWitnessed(db, witness),
  }
  return { db, now, floor: epoch.floor, epochXact: epoch.xact, columns }
}

const inOrder =
  (key: 'xact' | 'position') =>
  (a: LogRow, b: LogRow): number =>
    a[key] < b[key] ? -1 : a[key] > b[key] ? 1 : 0

const tables = ['order', 'fill', 'change'] as const

/** The two arms of each table: transactions from the place on, and those that ran then. */
const arms = (
  { db, now, floor }: State,
  { past, running }: PlaceParameters,
  limits: readonly number[],
  more: (row: LogRow) => boolean = () => true,
): LogRow[] => {
  const ran = new Set(running.map((xact) => BigInt(xact!)))
  const unread = db.log.filter((row) => (row.xact >= past || ran.has(row.xact)) && row.position > floor)
  if (unread.length === 0) return []
  return tables.flatMap((table, i) => {
    const rows = unread.filter(({ what }) => what === table)
    const later = rows.filter((row) => row.xact >= past && row.xact < now.xmax && more(row)).toSorted(inOrder('xact'))
    const ended = rows.filter((row) => ran.has(row.xact) && more(row))
    return [...later.slice(0, limits[2 * i]), ...ended.slice(0, limits[2 * i + 1])]
  })
}

const noChange = {
  trade_id: null,
  fill_side: null,
  fill_quantity: null,
  fill_price: null,
  late: null,
  kafka_partition: null,
  kafka_offset: null,
  reason_code: null,
  reason_text: null,
  cause: null,
}

const contentOf = (db: Postgres, { what, orderId, version }: LogRow): object => {
  if (what === 'order') {
    const order = db.orders.get(orderId)!
    const { created_at: at, reason_code, reason_text } = order
    const amounts = { filled_quantity: '0', filled_notional: '0', last_fill_price: null }
    const reason = order.version === 0 ? { reason_code, reason_text } : {}
    const kind = order.version === 0 && order.status === 'REJECTED' ? 'REJECTED' : 'ACCEPTED'
    return { ...noChange, kind, at, ...amounts, ...reason }
  }
  if (what === 'change') {
    const change = db.changes.get(orderId)!.find((row) => row.version === version)!
    return { ...noChange, ...change, cause: JSON.parse(change.cause) as object }
  }
  const fill = db.ledger.get(orderId)!.find((row) => row.order_version === version)!
  return {
    ...noChange,
    kind: 'FILLED',
    at: fill.applied_at,
    filled_quantity: fill.cumulative_quantity,
    filled_notional: fill.cumulative_notional,
    last_fill_price: fill.price,
    trade_id: fill.trade_id,
    fill_side: fill.side,
    fill_quantity: fill.quantity,
    fill_price: fill.price,
    late: fill.late,
    kafka_partition: fill.kafka_partition,
    kafka_offset: String(fill.kafka_offset),
  }
}

const eventRow = (db: Postgres, row: LogRow): object => {
  const order = db.orders.get(row.orderId)!
  return {
    ...order,
    ...contentOf(db, row),
    order_id: row.orderId,
    version: row.version,
    origin: null,
    present_status: order.status,
    end_code: order.reason_code,
    end_text: order.reason_text,
    before_log: false,
    xact: String(row.xact),
    position: String(row.position),
  }
}

const markRow = (mark: Mark | undefined): object =>
  mark === undefined
    ? { mark_xact: null, mark_position: null, mark_order_id: null, mark_version: null, bounded: null }
    : {
        mark_xact: String(mark.xact),
        mark_position: String(mark.position),
        mark_order_id: mark.orderId,
        mark_version: mark.version,
        bounded: mark.bounded,
      }

/** One row at least, that of the state. */
const answer = ({ db, columns }: State, rows: readonly LogRow[], mark: object = {}): object[] =>
  rows.length === 0
    ? [{ ...columns, ...mark, order_id: null }]
    : rows.map((row) => ({ ...eventRow(db, row), ...columns, ...mark }))

const headOf = ({ db, now, floor, epochXact }: State): Mark[] => {
  const rows = db.log.filter(({ xact, position }) => xact > epochXact && xact < now.xmax && position > floor)
  const last = rows.toSorted(inOrder('xact')).at(-1)
  return last === undefined ? [] : [{ ...last, bounded: false }]
}

export const readHead = (db: Postgres, place: PlaceParameters): object[] => {
  const state = stateOf(db, place)
  return [{ ...state.columns, ...markRow(headOf(state)[0]) }]
}

export const readDelta = (db: Postgres, place: PlaceParameters, limits: readonly number[]): object[] => {
  const state = stateOf(db, place)
  return answer(state, arms(state, place, limits))
}

/** The row of each table that is so many rows on. */
const edges = ({ db, now, floor }: State, { past }: PlaceParameters, looks: readonly number[]): Mark[] =>
  tables.flatMap((table, i) => {
    const isUnread = ({ xact, position }: LogRow): boolean => xact >= past && xact < now.xmax && position > floor
    const rows = db.log.filter((row) => row.what === table && isUnread(row))
    const edge = rows.toSorted(inOrder('xact'))[looks[i]!]
    return edge === undefined ? [] : [{ ...edge, bounded: true }]
  })

const causerOf = (db: Postgres, { what, orderId, version }: LogRow): string | undefined => {
  const change = what === 'change' ? db.changes.get(orderId)!.find((row) => row.version === version) : undefined
  return change === undefined ? undefined : (JSON.parse(change.cause) as { session?: string }).session
}

const passes = (db: Postgres, { userId, ticker, orderId, interest }: FilterParameters, row: LogRow): boolean => {
  const order = db.orders.get(row.orderId)!
  const concerns =
    interest === null ||
    interest.userIds.includes(order.user_id) ||
    interest.sessions.includes(causerOf(db, row) ?? null)
  return (
    concerns &&
    (userId === null || order.user_id === userId) &&
    (ticker === null || order.ticker === ticker) &&
    (orderId === null || order.id === orderId)
  )
}

const markOf = (state: State, place: PlaceParameters, looks: readonly number[]): Mark | undefined =>
  edges(state, place, looks).toSorted(inOrder('xact'))[0] ?? headOf(state)[0]

export const readEdge = (db: Postgres, place: PlaceParameters, looks: readonly number[]): object[] => {
  const state = stateOf(db, place)
  return [{ ...state.columns, ...markRow(markOf(state, place, looks)) }]
}

export const readFiltered = (
  db: Postgres,
  place: PlaceParameters,
  { filter, looks, limits }: { filter: FilterParameters; looks: readonly number[]; limits: readonly number[] },
): object[] => {
  const state = stateOf(db, place)
  const mark = markOf(state, place, looks)
  const upTo = mark?.bounded === true ? mark.xact : state.now.xmax
  const isNear = (row: LogRow): boolean => row.xact < place.past || row.xact <= upTo
  const rows = arms(state, place, limits, (row) => isNear(row) && passes(db, filter, row))
  return answer(state, rows, markRow(mark))
}

export const readPage = (
  db: Postgres,
  place: PlaceParameters,
  { filter, end, after, limit }: { filter: FilterParameters; end: string; after: bigint; limit: number },
): object[] => {
  const state = stateOf(db, place)
  const seen = snapshotFrom(end)
  const isWithin = (row: LogRow): boolean =>
    row.position > after && isVisible(seen, row.xact) && passes(db, filter, row)
  return answer(state, arms(state, place, [], isWithin).toSorted(inOrder('position')).slice(0, limit))
}

export const countDelta = (db: Postgres, place: PlaceParameters, max: number): object[] => {
  const state = stateOf(db, place)
  return [{ ...state.columns, behind: String(Math.min(max, arms(state, place, []).length)) }]
}

/** The row of the version before, if it is of this epoch. */
const predecessorOf = (db: Postgres, orderId: string, version: number): LogRow | undefined => {
  const { floor } = db.epochs.at(-1)!
  return db.log.find((row) => row.orderId === orderId && row.version === version - 1 && row.position > floor)
}

export const readPredecessors = (db: Postgres, orderIds: Column, versions: Column): object[] =>
  orderIds.flatMap((orderId, i) => {
    const version = Number(versions[i])
    const before = predecessorOf(db, orderId!, version)
    return before === undefined ? [] : [{ order_id: orderId, version, xact: String(before.xact) }]
  })

export const readOrphaned = (
  db: Postgres,
  place: PlaceParameters,
  { end, limit }: { end: string; limit: number },
): object[] => {
  const seen = snapshotFrom(end)
  const rows = arms(stateOf(db, place), place, [], ({ xact }) => isVisible(seen, xact))
  const orphans = rows.filter(({ orderId, version }) => {
    const before = predecessorOf(db, orderId, version)
    return before !== undefined && !isVisible(seen, before.xact)
  })
  return [...new Set(orphans.map(({ xact }) => String(xact)))].slice(0, limit).map((xact) => ({ xact }))
}
