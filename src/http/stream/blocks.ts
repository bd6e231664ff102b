// The blocks of an event stream (server-sent events, the HTML standard 9.2). A block with an `id:` and no `data:` moves the cursor of the
// client and dispatches nothing. JSON has no line break of its own, so a value is one line of data.

import type { ResetReason } from '../../app/follow.ts'
import type { Order } from '../../domain/order.ts'
import { orderJson } from '../../wire/order.ts'

const idLine = (cursor: string | null): string => (cursor === null ? '' : `id: ${cursor}\n`)

/** How long the client waits before it connects again, in ms. */
export const retryBlock = (ms: number): string => `retry: ${ms}\n\n`

export const snapshotBlock = (orders: readonly Order[]): string =>
  `event: snapshot\ndata: {"orders":[${orders.map(orderJson).join(',')}]}\n\n`

export const liveBlock = (cursor: string): string => `event: live\n${idLine(cursor)}data: {}\n\n`

/** `text`: the JSON of `{ event, order }`. */
export const orderBlock = (text: string, cursor: string): string => `event: order\n${idLine(cursor)}data: ${text}\n\n`

export const resetBlock = (reason: ResetReason): string => `event: reset\ndata: {"reason":"${reason}"}\n\n`

export const laggingBlock = (cursor: string | null): string => `event: lagging\n${idLine(cursor)}data: {}\n\n`

/** Keeps the connection alive, and moves the cursor of a client for whom nothing happened. */
export const heartbeatBlock = (cursor: string | null): string => `:\n${idLine(cursor)}\n`

/** The last block of a stream that the service ends. `why`: for a person who looks at it. */
export const endBlock = (why: string, cursor: string | null): string => `: ${why}\n${idLine(cursor)}\n`
