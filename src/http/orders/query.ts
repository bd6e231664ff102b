// The query parameters of the lists of orders, of fills and of events, and the filters that they describe.

import { Type } from '@sinclair/typebox'
import { canonicalUuid, leastIdAt } from '../../domain/ids.ts'
import { closedStatuses, openOf, openStatuses, statuses, type Status } from '../../domain/order.ts'
import { canonicalKey, keyForm } from '../../domain/patterns.ts'
import { orderTypes, sides, timesInForce } from '../../domain/terms.ts'
import type { OrderFilter } from '../../store/orderPage.ts'
import { queryInstantPattern } from '../../wire/instant.ts'
import { oneOf } from '../../wire/shapes.ts'
import type { Decoded, UnknownFields } from '../exchange/decode.ts'
import { choice, defineQuery, limitDefault, pageRows, ticker, uuid } from '../exchange/query.ts'

type ListQuery = { filter: OrderFilter; limit: number }
type FillsQuery = { before: number; limit: number }
type EventsQuery = { after: number; limit: number }

const newestVersion = 2 ** 31 - 1
const instantForm = new RegExp(queryInstantPattern)

const instantOf = (text: string): Date | undefined => {
  if (!instantForm.test(text)) return undefined
  const at = new Date(text)
  // A Date takes 24 o'clock for the next day, and rolls 30 February over into March.
  if (Number.isNaN(at.getTime()) || text.slice(11, 13) === '24') return undefined
  const day = text.slice(0, 10)
  return new Date(`${day}T00:00:00Z`).toISOString().startsWith(day) ? at : undefined
}

/** The first whole millisecond at or after an instant: smaller digits round up, because both bounds are compared with whole milliseconds. */
const wholeMs = (text: string): number | undefined => {
  const at = instantOf(text)
  if (at === undefined) return undefined
  const digitsBelow = /\.\d{3}(\d+)/.exec(text)?.[1] ?? ''
  return at.getTime() + (/[1-9]/.test(digitsBelow) ? 1 : 0)
}

/** Postgres reads the years 1 to 9999 alone, and no order expires outside of them: what lies beyond means the same as their end. */
const [firstMs, lastMs] = [Date.parse('0001-01-01T00:00:00Z'), Date.parse('9999-12-31T23:59:59.999Z')]
const expiryBound = (ms: number): Date => new Date(Math.min(Math.max(ms, firstMs), lastMs))

const instant = (description: string) => ({
  schema: Type.String({ pattern: queryInstantPattern, description }),
  read: wholeMs,
  rule: 'must be an ISO-8601 instant with a zone, such as 2026-01-02T03:04:05Z',
})

const statusGroups = { open: openStatuses, closed: closedStatuses } as const

/** The statuses that a value of the parameter stands for. */
const readStatuses = (word: string): readonly Status[] | undefined => {
  if (word === 'open' || word === 'closed') return statusGroups[word]
  const status = statuses.find((one) => one === word)
  return status === undefined ? undefined : [status]
}

const ordersQuery = defineQuery({
  userId: uuid,
  ticker,
  side: choice(sides),
  status: {
    schema: Type.Array(oneOf([...statuses, 'open', 'closed']), {
      description: 'May be repeated. `open` and `closed` stand for the statuses that are.',
    }),
    read: readStatuses,
    rule: `must be open, closed or one of ${statuses.join(', ')}`,
    repeated: true,
  },
  type: choice(orderTypes),
  timeInForce: choice(timesInForce),
  triggered: {
    schema: Type.Boolean({
      description: 'Of orders with a stopPrice: `true` for those whose price was met, `false` for those that wait.',
    }),
    read: (text: string) => (text === 'true' ? true : text === 'false' ? false : undefined),
    rule: 'must be true or false',
  },
  createdAfter: instant('ISO-8601 with a zone; inclusive.'),
  createdBefore: instant('ISO-8601 with a zone; exclusive.'),
  expiresBefore: instant('Orders that end by the clock before this instant; ISO-8601 with a zone; exclusive.'),
  clientOrderId: {
    schema: Type.String({ pattern: keyForm.sent }),
    read: (text: string) => canonicalKey(text) ?? undefined,
    rule: keyForm.rule,
  },
  ...pageRows('order', (position) => canonicalUuid(position) ?? undefined),
})
export const OrdersQuery = ordersQuery.schema

const least = (a: string | undefined, b: string | undefined): string | undefined =>
  a === undefined || (b !== undefined && b < a) ? b : a

export const decodeListQuery = (search: URLSearchParams, unknownFields: UnknownFields): Decoded<ListQuery> => {
  const query = ordersQuery.read(search, unknownFields)
  if (!query.ok) return query
  const { status, createdAfter, createdBefore, expiresBefore, limit, cursor, ...same } = query.value
  const wantedStatuses = [...new Set(status.flat())]
  const filter = {
    ...same,
    expiresBefore: expiresBefore === undefined ? undefined : expiryBound(expiresBefore),
    statuses: wantedStatuses,
    open: openOf(wantedStatuses),
    // A place begins with the millisecond of its order, so times are bounds on places.
    before: least(cursor, createdBefore === undefined ? undefined : leastIdAt(createdBefore)),
    from: createdAfter === undefined ? undefined : leastIdAt(createdAfter),
  }
  return { ok: true, value: { filter, limit: limit ?? limitDefault } }
}

const readVersion = (position: string): number | undefined =>
  /^\d{1,10}$/.test(position) && Number(position) <= newestVersion ? Number(position) : undefined

const fillsQuery = defineQuery(pageRows('fill', readVersion))
export const FillsQuery = fillsQuery.schema

export const decodeFillsQuery = (search: URLSearchParams, unknownFields: UnknownFields): Decoded<FillsQuery> => {
  const query = fillsQuery.read(search, unknownFields)
  if (!query.ok) return query
  const { limit, cursor } = query.value
  return { ok: true, value: { before: cursor ?? newestVersion, limit: limit ?? limitDefault } }
}

const eventsQuery = defineQuery(pageRows('event', readVersion))
export const EventsQuery = eventsQuery.schema

/** Unknown parameters are always refused: the setting that ignores them is for clients that are older than this route. */
export const decodeEventsQuery = (search: URLSearchParams): Decoded<EventsQuery> => {
  const query = eventsQuery.read(search, 'refuse')
  if (!query.ok) return query
  const { limit, cursor } = query.value
  // Version 0 is the acceptance.
  return { ok: true, value: { after: cursor ?? -1, limit: limit ?? limitDefault } }
}
