// Proves: whatever happened to an order is written as published, alone and with the order.

import { expect, test } from 'bun:test'
import * as fc from 'fast-check'
import { causeKinds, historyKinds, type Cause, type HistoryEvent } from '../../src/domain/history.ts'
import { statuses } from '../../src/domain/order.ts'
import { eventJson, Event, OrderEvent, writeEvent } from '../../src/wire/event.ts'
import { orderJson } from '../../src/wire/order.ts'
import { closed, createAjv } from '../contracts/judge.ts'
import { anyAmount, newOrder } from '../domain/arbitraries.ts'
import { amount } from '../support/builders.ts'

const ajv = createAjv().addVocabulary(['component'])
const isEvent = ajv.compile(closed(Event))
const isOrderEvent = ajv.compile(closed(OrderEvent))

const text = fc.string({ minLength: 1, maxLength: 64, unit: 'grapheme' })
const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined })
const instant = fc.date({ min: new Date(0), max: new Date('9999-12-31T23:59:59.999Z'), noInvalidDate: true })

const anyCause = fc
  .record({
    kind: fc.constantFrom(...causeKinds),
    requestId: maybe(text),
    subject: maybe(text),
    topic: maybe(text),
    partition: maybe(fc.nat(1000)),
    offset: maybe(fc.bigInt({ min: 0n, max: 2n ** 63n - 1n }).map(String)),
    session: maybe(text),
  })
  .map((cause) => JSON.parse(JSON.stringify(cause)) as Cause)

const anyEvent: fc.Arbitrary<HistoryEvent> = fc
  .record({
    kind: fc.constantFrom(...historyKinds),
    at: fc.option(instant),
    status: fc.constantFrom(...statuses),
    quantity: anyAmount,
    version: fc.nat(100),
    fill: fc.option(
      fc.record({
        tradeId: text,
        side: fc.constantFrom('BUY' as const, 'SELL' as const),
        quantity: anyAmount,
        price: anyAmount,
        late: fc.boolean(),
      }),
    ),
    reason: fc.option(fc.record({ code: text, text: fc.option(text) })),
    cause: anyCause,
  })
  .map(({ status, quantity, version, ...event }) => ({
    ...event,
    order: { ...newOrder({ quantity }), status, version },
  }))

test('any event is written as published', () => {
  fc.assert(
    fc.property(anyEvent, (event) => {
      isEvent(JSON.parse(eventJson(event)))
      expect(isEvent.errors ?? null).toBeNull()
      isOrderEvent(JSON.parse(writeEvent(event)))
      expect(isOrderEvent.errors ?? null).toBeNull()
    }),
  )
})

test('nothing of an event is lost or changed', () => {
  fc.assert(
    fc.property(anyEvent, (event) => {
      const written = JSON.parse(eventJson(event)) as Record<string, unknown>
      expect(written['at']).toBe(event.at?.toISOString() ?? null)
      expect(written['reason'] ?? null).toEqual(event.reason)
      expect(written['cause']).toEqual(event.cause)
      expect(written['fill'] === undefined).toBe(event.fill === null)
      expect(JSON.stringify(Object.keys(written['cause'] as object))).toBe(JSON.stringify(Object.keys(event.cause)))
    }),
  )
})

test('a fill of a partly filled order', () => {
  const order = {
    ...newOrder({ quantity: amount('100'), price: amount('150.5') }),
    status: 'PARTIALLY_FILLED' as const,
    filledQuantity: amount('10.00000001'),
    version: 1,
  }
  const event: HistoryEvent = {
    kind: 'FILLED',
    at: new Date('2026-01-02T03:04:06.000Z'),
    order,
    fill: { tradeId: 'a "trade"', side: 'BUY', quantity: amount('10.00000001'), price: amount('150'), late: false },
    reason: null,
    cause: { kind: 'trade', partition: 3, offset: '9007199254740993' },
  }
  const alone =
    `{"orderId":"${order.id}","version":1,"kind":"FILLED","at":"2026-01-02T03:04:06.000Z","status":"PARTIALLY_FILLED",` +
    '"filledQuantity":10.00000001,"remainingQuantity":89.99999999,' +
    '"fill":{"tradeId":"a \\"trade\\"","side":"BUY","quantity":10.00000001,"price":150,"late":false},' +
    '"cause":{"kind":"trade","partition":3,"offset":"9007199254740993"}}'
  expect(eventJson(event)).toBe(alone)
  expect(writeEvent(event)).toBe(`{"event":${alone},"order":${orderJson(order)}}`)
})
