// Proves: the document and the decoders agree on what is a lawful request, whatever is sent; the few rules that no schema can
// express are listed by name; and the serialisers write what is published.

import { describe, expect, test } from 'bun:test'
import * as fc from 'fast-check'
import type { Service } from '../../src/app/service.ts'
import { amountDigits } from '../../src/domain/decimal.ts'
import { averageFillPrice, statuses } from '../../src/domain/order.ts'
import { fillAnswer } from '../../src/http/orders/answers.ts'
import { decodePlaceOrder } from '../../src/http/orders/decode.ts'
import { createApp } from '../../src/http/server.ts'
import { orderJson } from '../../src/wire/order.ts'
import { anyAmount, newOrder } from '../domain/arbitraries.ts'
import { orderBody, resolutionBody } from '../fuzz/orderBodies.ts'
import { serverOptions } from '../http/harness.ts'
import { randomStream, type Random } from '../support/random.ts'
import { openApiDocument, dereferenced, type Json } from './documents.ts'
import { closed, createAjv, requestFaults } from './judge.ts'

const schemas = (dereferenced(openApiDocument, openApiDocument)['components'] as { schemas: Record<string, Json> })
  .schemas
const ajv = createAjv()

/** JSON's own reading, and undefined for what is none. */
const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** What a schema cannot say: the digits of a number, names given twice, one amount below another, and the days of the calendar. */
const beyondSchema =
  /^(has more than \d+ (fraction|integer) digits|is given more than once|must be less than quantity|must be an instant with its zone, .*)$/

describe('the body of an order', () => {
  const lawful = ajv.compile(schemas['PlaceOrder']!)

  test('is taken by the decoder exactly where the schema allows it', () => {
    const counts = { both: 0, neither: 0, digits: 0 }
    for (let i = 0; i < 6_000; i++) {
      const text = new TextDecoder().decode(orderBody(randomStream(`agreement:${i}`)))
      const decoded = decodePlaceOrder(text, { key: null, unknownFields: 'refuse', callerId: null, amountDigits })
      const value = parsed(text)
      const isLawful = value !== undefined && lawful(value)
      if (decoded.ok && !isLawful) throw new Error(`taken against the schema: ${text} ${ajv.errorsText(lawful.errors)}`)
      if (decoded.ok) counts.both++
      else if (!isLawful) counts.neither++
      else if (decoded.faults.every(({ detail }) => beyondSchema.test(detail))) counts.digits++
      else throw new Error(`refused against the schema: ${text} ${JSON.stringify(decoded.faults)}`)
    }
    expect(counts.both).toBeGreaterThan(1_000)
    expect(counts.neither).toBeGreaterThan(1_000)
    expect(counts.digits).toBeLessThan(1_000)
  })
})

/** A service that takes whatever was decoded: a 400 is the decoder's. */
const taking = createApp(
  serverOptions({
    service: {
      list: () => Promise.resolve({ ok: true, items: [], next: null }),
      fills: () => Promise.resolve({ ok: true, items: [], next: null }),
      history: () => Promise.resolve({ ok: true, items: [], next: null }),
      exceptions: () => Promise.resolve({ ok: true, items: [], next: null }),
      reportExceptions: () => Promise.resolve({ ok: true, items: [], next: null }),
      resolve: () => Promise.resolve({ ok: false, code: 'NOT_FOUND' }),
      resolveReport: () => Promise.resolve({ ok: false, code: 'NOT_FOUND' }),
      turnAway: () => null,
      place: () => Promise.resolve({ ok: false, code: 'OVERLOADED' }),
    } as unknown as Service,
  }),
)
const isTaken = async (method: string, path: string, init: RequestInit = {}): Promise<boolean> =>
  (await taking.handle(new Request(`http://localhost${path}`, { method, ...init }))).status !== 400

const uuid = '6F1c2f52-3a39-4c3e-9d44-0d7a0a6a7c11'
const cursor = (text: string): string => Buffer.from(text).toString('base64url')
const values: Record<string, readonly string[]> = {
  userId: [uuid, `${uuid}0`, '', 'x'],
  orderId: [uuid, 'x'],
  ticker: ['AAPL', 'brk.b', '', 'ABCDEFGHIJKLMNOPQ', 'Ä', 'A B'],
  side: ['BUY', 'SELL', 'buy', ''],
  status: [...statuses, 'open', 'closed', 'OPEN', ''],
  createdAfter: ['2026-01-02T03:04:05Z', '2026-01-02T03:04+01:00', '2026-01-02t03:04:05Z', '2026-01-02', '1', ''],
  createdBefore: ['2026-01-02T03:04:05.123456789z', '2026-01-02T03:04:05.1234567890Z', '2026-01-02T03:04:05'],
  type: ['LIMIT', 'STOP', 'STOP_LIMIT', 'stop', ''],
  timeInForce: ['GTC', 'GTD', 'gtd', ''],
  triggered: ['true', 'false', 'TRUE', '1', ''],
  expiresBefore: ['2026-01-02T03:04:05Z', '2026-01-02T03:04:05.1+01:00', '2026-01-02', ''],
  clientOrderId: ['a b', 'x'.repeat(64), 'x'.repeat(65), 'é', ''],
  reportId: ['R-1', 'x'.repeat(64), 'x'.repeat(65), '😀', ''],
  tradeId: ['T-1', 'x'.repeat(64), 'x'.repeat(65), '😀', ''],
  disposition: ['OVERFILL', 'CONFLICT', 'MISMATCH', 'INCOMPLETE', 'LATE'],
  resolved: ['true', 'false', 'TRUE', ''],
  limit: ['1', '500', '0', '501', '1000', '1001', '-1', '1.5', 'ten', ''],
  cursor: [`order-${uuid}`, `exception-${uuid}`, `reportException-${uuid}`, 'fill-7', 'event-7', uuid]
    .map(cursor)
    .concat(''),
  other: ['1'],
}
const following: readonly string[] = ['/orders/stream', '/events']
/** Lawful by the schema, refused by the readers: a cursor of another list, and numbers written otherwise. */
const unsaidValues = (path: string, search: URLSearchParams): boolean => {
  // What follows the log takes any text that may be a cursor; the tail reads it.
  if (following.includes(path)) return false
  const position = search.get('cursor')
  const own = path.endsWith('/fills')
    ? ['fill-7']
    : path.endsWith('/events')
      ? ['event-7']
      : path.endsWith('/reports')
        ? [`reportException-${uuid}`]
        : [path === '/orders' ? `order-${uuid}` : `exception-${uuid}`, uuid]
  return position !== null && position !== '' && !own.map(cursor).includes(position)
}

describe('the parameters', () => {
  const paths = [
    '/orders',
    `/orders/${uuid}/fills`,
    `/orders/${uuid}/events`,
    '/exceptions',
    '/exceptions/reports',
    ...following,
  ]
  const queryOf = (rng: Random): URLSearchParams => {
    const search = new URLSearchParams()
    for (let count = rng.below(4); count > 0; count--) {
      const name = rng.chance(0.05) ? 'other' : rng.pick(Object.keys(values))
      search.append(name, rng.pick(values[name]!))
    }
    return search
  }

  test('are taken exactly where the document allows them', async () => {
    const counts = { taken: 0, refused: 0 }
    for (let i = 0; i < 6_000; i++) {
      const rng = randomStream(`parameters:${i}`)
      const path = rng.pick(paths)
      const search = queryOf(rng)
      if (unsaidValues(path, search)) continue
      const target = `${path}?${search.toString()}`
      const faults = requestFaults('GET', target, {})
      const taken = await isTaken('GET', target)
      if (taken !== (faults.length === 0))
        throw new Error(`${target} taken: ${taken}, by the document: ${faults.join()}`)
      counts[taken ? 'taken' : 'refused']++
    }
    expect(counts.taken).toBeGreaterThan(800)
    expect(counts.refused).toBeGreaterThan(800)
  })

  test.each(['id', '/fills'])('a path takes a UUID and nothing else (%s)', async (end) => {
    const rest = end === 'id' ? '' : end
    for (const id of [uuid, uuid.toLowerCase(), `${uuid}1`, 'x', uuid.replaceAll('-', '')]) {
      const isLawful = requestFaults('GET', `/orders/${id}/fills`, {}).length === 0
      expect(await isTaken('GET', `/orders/${id}/fills${rest === '' ? '' : '?limit=1'}`)).toBe(isLawful)
    }
  })

  test('the key of a request', async () => {
    const body = JSON.stringify({
      userId: uuid,
      ticker: 'A',
      side: 'BUY',
      type: 'LIMIT',
      timeInForce: 'GTC',
      quantity: 1,
      price: 1,
    })
    const quoted = ['"k"', `"${'x'.repeat(64)}"`, `"${'x'.repeat(65)}"`, String.raw`"\"${'x'.repeat(63)}\\"`]
    for (const key of ['k', 'x'.repeat(64), 'x'.repeat(65), 'a b~!', '"k', ...quoted]) {
      const headers = { 'content-type': 'application/json', 'idempotency-key': key }
      const isLawful = requestFaults('POST', '/orders', { headers, body }).length === 0
      expect(await isTaken('POST', '/orders', { headers, body })).toBe(isLawful)
    }
  })
})

describe('the body of a resolution', () => {
  test('is taken exactly where the schema allows it', async () => {
    const lawful = ajv.compile(schemas['Resolve']!)
    const headers = { 'content-type': 'application/json' }
    const counts = { taken: 0, refused: 0 }
    for (let i = 0; i < 2_000; i++) {
      const text = new TextDecoder().decode(resolutionBody(randomStream(`resolution:${i}`)))
      if (Buffer.byteLength(text) > 65_536) continue
      const value = parsed(text)
      const isLawful = value !== undefined && lawful(value)
      const taken = await isTaken('POST', `/exceptions/${uuid}/resolve`, { headers, body: text })
      if (taken && !isLawful) throw new Error(`taken against the schema: ${text}`)
      // Names given twice, and lone surrogates, are no schema's business.
      const isUnsaid =
        Object.keys(value ?? {}).some((name) => text.split(`"${name}"`).length > 2) || /[\ud800-\udfff]|\\u/i.test(text)
      if (!taken && isLawful && !isUnsaid) throw new Error(`refused against the schema: ${text}`)
      counts[taken ? 'taken' : 'refused']++
    }
    expect(counts.taken).toBeGreaterThan(300)
    expect(counts.refused).toBeGreaterThan(300)
  })
})

describe('the serialisers', () => {
  const isOrder = ajv.compile(closed(schemas['Order']!))
  const isFill = ajv.compile(closed(schemas['Fill']!))
  const instant = fc.date({ min: new Date(0), max: new Date('9999-12-31T23:59:59.999Z'), noInvalidDate: true })

  test('write any order as published', () => {
    const anyOrder = fc.record({
      quantity: anyAmount,
      price: fc.option(anyAmount),
      status: fc.constantFrom(...statuses),
      clientOrderId: fc.option(fc.stringMatching(/^[ -~]{1,64}$/)),
      at: instant,
      filled: fc.bigInt({ min: 0n, max: 1000n }),
    })
    fc.assert(
      fc.property(anyOrder, ({ at, filled, quantity, price, ...changed }) => {
        const filledQuantity = (quantity * filled) / 1000n
        const last = filledQuantity === 0n ? null : (price ?? 1n)
        const notional = filledQuantity * (last ?? 0n)
        const order = {
          ...newOrder({ quantity, price, type: price === null ? 'MARKET' : 'LIMIT' }),
          ...changed,
          filledQuantity,
          filledNotional: notional,
        }
        const moved = { ...order, lastFillPrice: last, createdAt: at, updatedAt: at, version: 3 }
        expect(averageFillPrice(moved)).toBe(last)
        isOrder(JSON.parse(orderJson(moved)))
        expect(isOrder.errors).toBeNull()
      }),
    )
  })

  test('write any fill as published', () => {
    const anyFill = fc.record({
      tradeId: fc.string({ minLength: 1, maxLength: 64, unit: 'grapheme-ascii' }),
      side: fc.constantFrom('BUY' as const, 'SELL' as const),
      quantity: anyAmount,
      price: anyAmount,
      late: fc.boolean(),
      tradedAt: instant.map((at) => at.toISOString().replace('Z', '456Z')),
      appliedAt: instant.map((at) => at.toISOString()),
    })
    fc.assert(
      fc.property(anyFill, (fill) => {
        isFill(JSON.parse(JSON.stringify(fillAnswer({ ...fill, ticker: 'BRK.B', orderVersion: 1 }))))
        expect(isFill.errors).toBeNull()
      }),
    )
  })
})
