// What the published contract says of the log's topic, and the example of a message on it.

import { Type } from '@sinclair/typebox'
import { wholeAmount } from '../../domain/decimal.ts'
import type { HistoryEvent } from '../../domain/history.ts'
import { applyFill } from '../../domain/order.ts'
import { OrderEvent, writeEvent } from '../../wire/event.ts'
import { Instant } from '../../wire/shapes.ts'
import { commonValues, eventHeaders, logEventType } from '../eventHeaders.ts'
import { exampleEvent } from './examples.ts'

/** The topic where no setting names one: its usual name. */
export const usualLogTopic = 'order.event.v1'

const eventId = Type.String({
  pattern: '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\\.\\d+$',
  description: '`<orderId>.<version>`, the same whenever the event is published again: dedupe on it.',
})

export const logHeadersSchema = (source: string) =>
  Type.Object({
    [eventHeaders.eventId]: eventId,
    [eventHeaders.id]: Type.String({ ...eventId, description: 'CloudEvents; the same as eventId.' }),
    [eventHeaders.type]: Type.Literal(logEventType),
    [eventHeaders.source]: Type.Literal(source),
    [eventHeaders.specVersion]: Type.Literal(commonValues.specVersion),
    [eventHeaders.time]: Instant,
    [eventHeaders.contentType]: Type.Literal(commonValues.contentType),
  })

export const LogValue = Type.Object(OrderEvent.properties, {
  description:
    'An event of an order, and the order as of its version: as `GET /orders/{id}/events` and `GET /orders/{id}` write them.',
})

const { order, occurredAt } = exampleEvent('PLACED')
const at = new Date(occurredAt.getTime() + 1_000)
const fill = { quantity: wholeAmount(10), price: wholeAmount(301) / 2n }

/** The event behind the example. */
export const exampleLogEvent: HistoryEvent = {
  kind: 'FILLED',
  at,
  order: applyFill(order, { ...fill, now: at }),
  fill: { tradeId: 'T-1001', side: 'BUY', ...fill, late: false },
  reason: null,
  cause: { kind: 'trade', partition: 3, offset: '42' },
}

export const exampleLogId = `${order.id}.1`

export const logExample = (ceSource: string) => ({
  name: 'filled',
  headers: {
    [eventHeaders.eventId]: exampleLogId,
    [eventHeaders.id]: exampleLogId,
    [eventHeaders.type]: logEventType,
    [eventHeaders.source]: ceSource,
    [eventHeaders.specVersion]: commonValues.specVersion,
    [eventHeaders.time]: at.toISOString(),
    [eventHeaders.contentType]: commonValues.contentType,
  },
  payload: JSON.parse(writeEvent(exampleLogEvent)) as object,
})
