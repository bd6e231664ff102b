// The blocks of an event stream (server-sent events, the HTML standard 9.2). A block with an `id:` and no `data:` moves the cursor of the
// client and dispatches nothing. JSON has no line break of its own, so a value is one line of data.

import type { ResetReason } from '../../app/follow.ts'
import type { Order } from '../../domain/order.ts'
import { orderJson } from '../../wire/order.ts'

const idLine = (cursor: string | null): string => (cursor === null ? '' : `id: ${cursor}\n`)

/** How long the client waits before it connects again, in ms. */
export const retryBlock = (ms: number): string => `retry: ${ms}\n\n`

/** Clients read line by line, and many take no line of 64 KiB (the scanner of Go's library): with a page in one line they would never get past it. */
const snapshotLineMax = 32_768

const snapshotBlock = (orders: readonly string[]): string =>
  `event: snapshot\ndata: {"orders":[${orders.join(',')}]}\n\n`

/** A page of the open orders, in as many blocks as keep their lines short. */
export function* snapshotBlocks(orders: readonly Order[]): Generator<string> {
  let some: string[] = []
  let length = 0
  for (const order of orders) {
    const text = orderJson(order)
    if (some.length > 0 && length + text.length > snapshotLineMax) {
      yield snapshotBlock(some)
      some = []
      length = 0
    }
    some.push(text)
    length += text.length
  }
  yield snapshotBlock(some)
}

export const liveBlock = (cursor: string): string => `event: live\n${idLine(cursor)}data: {}\n\n`

/** `text`: the JSON of `{ event, order }`. */
export const orderBlock = (text: string, cursor: string): string => `event: order\n${idLine(cursor)}data: ${text}\n\n`

export const resetBlock = (reason: ResetReason): string => `event: reset\ndata: {"reason":"${reason}"}\n\n`

export const laggingBlock = (cursor: string | null): string => `event: lagging\n${idLine(cursor)}data: {}\n\n`

/** Keeps the connection alive, and moves the cursor of a client for whom nothing happened. */
export const heartbeatBlock = (cursor: string | null): string => `:\n${idLine(cursor)}\n`

/** The last block of a stream that the service ends. `why`: for a person who looks at it. */
export const endBlock = (why: string, cursor: string | null): string => `: ${why}\n${idLine(cursor)}\n`
