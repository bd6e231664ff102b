// The parameters of the stream and of polling: the same filters, and where to resume. Both are younger than the clients that
// ORDERS_UNKNOWN_FIELDS is for: a filter that is misspelt is refused always, for without it everything would come.

import { Type } from '@sinclair/typebox'
import { cursorLengthMax, type EventFilter } from '../../app/follow.ts'
import type { Decoded } from '../exchange/decode.ts'
import type { Fault } from '../exchange/problem.ts'
import { defineQuery, ticker, uuid } from '../exchange/query.ts'

/** `pointer`: the parameter or the header that the cursor came in, for a fault. */
export type FollowQuery = { filter: EventFilter; cursor: string | null; pointer: Fault['pointer'] }

/** The tail decides what is a cursor, and reads none that is longer, or of other characters. */
const cursorPattern = `^[A-Za-z0-9_-]{1,${cursorLengthMax}}$`
const cursorForm = new RegExp(cursorPattern)
export const cursorRule = 'must be a cursor of the stream or of polling, unchanged'

const cursor = {
  schema: Type.String({ pattern: cursorPattern, description: 'An `id` of the stream, or a `cursor` of polling.' }),
  read: (text: string) => (cursorForm.test(text) ? text : undefined),
  rule: cursorRule,
}

const followQuery = defineQuery({ userId: uuid, ticker, orderId: uuid, cursor })
export const FollowParameters = followQuery.schema

export const LastEventId = Type.Object({
  'Last-Event-ID': Type.Optional(
    Type.String({ pattern: cursorPattern, description: 'The last `id`; it counts more than the parameter `cursor`.' }),
  ),
})

type Filters = { [N in keyof EventFilter]?: EventFilter[N] | undefined }
/** The filter without the members that were not given. */
const filterOf = ({ userId, ticker: wanted, orderId }: Filters): EventFilter => ({
  ...(userId === undefined ? {} : { userId }),
  ...(wanted === undefined ? {} : { ticker: wanted }),
  ...(orderId === undefined ? {} : { orderId }),
})

/** `lastEventId`: the header, or null. A client that connects again by itself sends it beside the cursor that it began with. */
export const decodeFollowQuery = (search: URLSearchParams, lastEventId: string | null): Decoded<FollowQuery> => {
  const query = followQuery.read(search, 'refuse')
  if (!query.ok) return query
  const filter = filterOf(query.value)
  if (lastEventId === null || lastEventId === '')
    return { ok: true, value: { filter, cursor: query.value.cursor ?? null, pointer: '?cursor' } }
  const pointer = 'header:Last-Event-ID'
  return cursorForm.test(lastEventId)
    ? { ok: true, value: { filter, cursor: lastEventId, pointer } }
    : { ok: false, faults: [{ pointer, detail: cursorRule }] }
}

/** The page of a client that asks for none. */
const eventsDefault = 100
/** No setting allows more. */
export const eventsPageMax = 1_000

/** `limitMax`: how many events a page may have. */
const eventsQuery = (limitMax: number) =>
  defineQuery({
    userId: uuid,
    ticker,
    orderId: uuid,
    cursor,
    limit: {
      schema: Type.Integer({
        minimum: 1,
        maximum: limitMax,
        default: Math.min(eventsDefault, limitMax),
        description: 'Events a page. The service may be set to allow fewer (EVENTS_PAGE_MAX).',
      }),
      read: (text: string) => (/^[1-9]\d{0,3}$/.test(text) && Number(text) <= limitMax ? Number(text) : undefined),
      rule: `must be a whole number from 1 to ${limitMax}`,
    },
  })
export const EventsParameters = eventsQuery(eventsPageMax).schema

/** Reads the parameters of polling. `limitMax`: how many events a page may have. */
export const eventsDecoder = (limitMax: number) => {
  const query = eventsQuery(limitMax)
  return (search: URLSearchParams): Decoded<FollowQuery & { limit: number }> => {
    const read = query.read(search, 'refuse')
    if (!read.ok) return read
    const { cursor: text, limit = Math.min(eventsDefault, limitMax) } = read.value
    return { ok: true, value: { filter: filterOf(read.value), cursor: text ?? null, pointer: '?cursor', limit } }
  }
}
