// What the page keeps of a page of /metrics: the numbers that it shows, or of which it makes them.

import { maxOf, parseExposition, sumOf, type Exposition } from './exposition.ts'
import { bucketsOf, type Bucket } from './histogram.ts'

export type Reading = {
  /** Milliseconds of the browser's clock. */
  at: number
  /** Tells one process from another: counters of two cannot be compared. */
  startedAt: number | null
  /** Orders through all doors since the process started. */
  placed: number
  /** How long POST /orders took. */
  accepting: readonly Bucket[]
  outboxRows: number
  outboxAgeSeconds: number
  tradesLagMessages: number
  tradesLagSeconds: number
  exceptionsOpen: number
  streamsOpen: number
  streamsMax: number
}

const placing = { http_route: '/orders', http_request_method: 'POST' } as const

const greatest = (page: Exposition, name: string): number => maxOf(page, name) ?? 0

/** `at`: when the page was read. */
export const readingOf = (text: string, at: number): Reading => {
  const page = parseExposition(text)
  return {
    at,
    startedAt: maxOf(page, 'process_start_time_seconds'),
    placed: sumOf(page, 'orders_batch_size_items_sum', { kind: 'place' }),
    accepting: bucketsOf(page, 'http_server_request_duration_seconds', placing),
    outboxRows: greatest(page, 'orders_outbox_rows'),
    outboxAgeSeconds: greatest(page, 'orders_outbox_oldest_age_seconds'),
    tradesLagMessages: sumOf(page, 'orders_trades_lag_messages'),
    tradesLagSeconds: greatest(page, 'orders_trades_lag_seconds'),
    exceptionsOpen: greatest(page, 'orders_exceptions_open') + greatest(page, 'orders_report_exceptions_open'),
    streamsOpen: greatest(page, 'orders_streams_open'),
    streamsMax: greatest(page, 'orders_streams_max'),
  }
}
