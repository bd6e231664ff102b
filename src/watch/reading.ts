// Reads the messages of the stream: what is new in them, and the place from which another connection resumes.

import { parseExactJson, toExactJson } from '../wire/json.ts'
import type { SseMessage } from '../wire/sse.ts'
import type { Board } from './board.ts'

/** What the stream says. `text`: the JSON of `{ order }` or `{ event, order }`, to the last digit as it came. */
export type News =
  | { kind: 'order'; text: string }
  | { kind: 'event'; text: string }
  /** Versions of an order did not come, which the service promises not to happen. */
  | { kind: 'missing'; orderId: string; versions: number }
  | { kind: 'live' }
  | { kind: 'reset'; reason: string }

type OrderMember = { id: string; version: number; status: string }
type EventMember = { version: number; kind: string }
type Clock = () => number

/** `all`: its orders are news even where they are known, because changes may be missing. */
type Snapshot = { all: boolean }

const snapshotNews = (data: string, { all }: Snapshot, board: Board, atMs: number): News[] =>
  (parseExactJson(data) as { orders: unknown[] }).orders.flatMap((one) => {
    const text = `{"order":${toExactJson(one)}}`
    const { order } = JSON.parse(text) as { order: OrderMember }
    const { kind } = board.apply({ ...order, text }, null, atMs)
    return kind === 'applied' || all ? [{ kind: 'order', text }] : []
  })

const eventNews = (text: string, board: Board, atMs: number): News[] => {
  const { event, order } = JSON.parse(text) as { event: EventMember; order: OrderMember }
  const { kind, missing } = board.apply({ ...order, version: event.version, text }, event.kind, atMs)
  if (kind === 'repeat') return []
  const news: News = { kind: 'event', text }
  return missing === 0 ? [news] : [{ kind: 'missing', orderId: order.id, versions: missing }, news]
}

const resetReason = (data: string): string => {
  const { reason } = JSON.parse(data) as { reason?: string }
  return reason ?? 'UNKNOWN'
}

export const createReading = (board: Board, clock: Clock) => {
  let cursor: string | null = null
  /** Null: no snapshot is being read. */
  let snapshot: Snapshot | null = null

  const begin = (all: boolean): void => {
    cursor = null
    snapshot = { all }
    board.begin(all)
  }

  const newsOf = ({ name, data }: SseMessage): News[] => {
    switch (name) {
      case 'snapshot':
        return snapshotNews(data, snapshot ?? { all: true }, board, clock())
      case 'live':
        board.live(clock())
        snapshot = null
        return [{ kind: 'live' }]
      case 'order':
        return eventNews(data, board, clock())
      case 'reset':
        begin(true)
        return [{ kind: 'reset', reason: resetReason(data) }]
      default:
        // Names may be added. `lagging`: the connection ends, and the next one resumes.
        return []
    }
  }

  return {
    cursor: () => cursor,
    isLive: () => snapshot === null,
    /** Call it when a connection is made: without a cursor a snapshot comes first. */
    open(): void {
      if (cursor === null) begin(snapshot?.all ?? false)
    },
    /** The cursor is of no use: changes may be missing. */
    forget: (): void => begin(true),
    take: (messages: readonly SseMessage[]): News[] =>
      messages.flatMap((message) => {
        const news = message.data === '' ? [] : newsOf(message)
        // The place counts from the end of the snapshot on.
        if (snapshot === null) cursor = message.id
        return news
      }),
  }
}
