// Reads the messages of the stream: what changed, and the cursor from which another connection resumes.

import { parseExactJson } from '../../wire/json.ts'
import type { SseMessage } from '../../wire/sse.ts'
import type { Change } from '../model/book.ts'
import { orderFromJson } from '../model/order.ts'

/** `live`: the snapshot is complete. */
export type News =
  | { readonly kind: 'changes'; readonly changes: readonly Change[] }
  | { readonly kind: 'live' }
  | { readonly kind: 'reset'; readonly reason: string }

type Json = Record<string, unknown>

const snapshotOf = (data: string): News => {
  const { orders } = parseExactJson(data) as { orders: readonly unknown[] }
  return { kind: 'changes', changes: orders.map((one) => ({ order: orderFromJson(one), kind: null })) }
}

const changeOf = (data: string): News => {
  const { event, order } = parseExactJson(data) as { event: Json; order: Json }
  return { kind: 'changes', changes: [{ order: orderFromJson(order), kind: String(event['kind']) }] }
}

export type Reading = {
  /** Null: a connection begins with a snapshot. */
  cursor: () => string | null
  isLive: () => boolean
  forget: () => void
  take: (messages: readonly SseMessage[]) => readonly News[]
}

export const createReading = (): Reading => {
  let cursor: string | null = null
  let live = false

  const forget = (): void => {
    cursor = null
    live = false
  }

  const newsOf = ({ name, data }: SseMessage): News | null => {
    switch (name) {
      case 'snapshot':
        return snapshotOf(data)
      case 'order':
        return changeOf(data)
      case 'live':
        live = true
        return { kind: 'live' }
      case 'reset': {
        forget()
        const { reason } = JSON.parse(data) as { reason?: string }
        return { kind: 'reset', reason: reason ?? 'UNKNOWN' }
      }
      default:
        // Names may be added. `lagging`: the connection ends, and the next one resumes.
        return null
    }
  }

  return {
    cursor: () => cursor,
    isLive: () => live,
    forget,
    take: (messages) =>
      messages.flatMap((message) => {
        const news = message.data === '' ? null : newsOf(message)
        // A place counts from the end of the snapshot on.
        if (live) cursor = message.id
        return news === null ? [] : [news]
      }),
  }
}
