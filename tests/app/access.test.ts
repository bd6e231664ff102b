// Proves: who may do what is decided by the use cases themselves, whichever door calls them: a user places and touches only orders of
// its own, those of others do not exist for it, exceptions are an administrator's, and what administrators change is in the log.

import { afterAll, expect, test } from 'bun:test'
import { everybody, type Call, type Caller } from '../../src/app/caller.ts'
import { applyTrades } from '../../src/app/fill.ts'
import { createService } from '../../src/app/service.ts'
import { usualRules } from '../../src/app/submit.ts'
import type { ExceptionFilter } from '../../src/store/exceptions.ts'
import type { OrderFilter } from '../../src/store/orderPage.ts'
import { aCall, aTrade, newId, someTerms } from '../support/builders.ts'
import { allPools } from '../support/database.ts'
import { ownDatabase } from '../support/ownDatabase.ts'

const { db } = await ownDatabase()
const lines: unknown[] = []
const bugs: unknown[] = []
const service = createService({
  pools: allPools(db),
  limits: { batchMax: 256, lanes: 2, queueMax: 100, deadlineMs: 30_000 },
  accepting: () => true,
  onCommitted: () => undefined,
  onBug: (error) => bugs.push(error),
  log: { info: (message, fields) => lines.push({ message, ...fields }) },
  now: () => new Date(),
  newId,
  rules: { ...usualRules, rejectedPerMinuteMax: 2, nowMs: () => 0 },
  expiresAt: () => null,
})
afterAll(() => {
  service.close()
  expect(bugs).toEqual([])
})

const callerWith = (userId: string | null, scopes: Caller['scopes']): Caller => ({
  subject: userId ?? 'ops',
  userId,
  scopes,
  credential: 'jwt',
})
const user = (userId: string): Call =>
  aCall({ caller: callerWith(userId, new Set(['orders:read', 'orders:write'] as const)) })
const [alice, bob] = [crypto.randomUUID(), crypto.randomUUID()]
const admin = aCall({ caller: callerWith(null, new Set(['orders:admin'] as const)), requestId: 'desk-1' })
const nobody = aCall({ caller: null })
const open = aCall({ caller: everybody })

const anyOrder: OrderFilter = {
  userId: undefined,
  ticker: undefined,
  side: undefined,
  clientOrderId: undefined,
  statuses: [],
  open: undefined,
  before: undefined,
  from: undefined,
}
const anyException: ExceptionFilter = {
  id: undefined,
  orderId: undefined,
  tradeId: undefined,
  dispositions: [],
  resolved: undefined,
  before: undefined,
}
const notFound = { ok: false, code: 'NOT_FOUND' } as const
const forbidden = { ok: false, code: 'FORBIDDEN' } as const

const place = (call: Call, userId: string, formerKey: string | null = null) =>
  service.place(call, { terms: someTerms({ userId, clientOrderId: newId() }), formerKey })
const placed = async (call: Call, userId: string) => {
  const result = await place(call, userId)
  if (!result.ok) throw new Error(`refused: ${result.code}`)
  return result.order
}
const idsOf = async (call: Call, filter: Partial<OrderFilter> = {}) => {
  const page = await service.list(call, { ...anyOrder, ...filter }, 100)
  return page.ok ? page.items.map(({ id }) => id) : page.code
}

test('a user places in its own name, an administrator in any, nobody in none', async () => {
  expect((await place(user(alice), alice)).ok).toBe(true)
  expect((await place(admin, alice)).ok).toBe(true)
  expect((await place(open, alice)).ok).toBe(true)
  for (const formerKey of [null, '"former"']) {
    expect(await place(user(bob), alice, formerKey)).toEqual(forbidden)
    expect(await place(nobody, alice, formerKey)).toEqual(forbidden)
  }
})

test('of a batch each order is judged by itself, and so is one that is only validated', async () => {
  const [carol, dave] = [crypto.randomUUID(), crypto.randomUUID()]
  const orders = [carol, dave, carol, dave].map((userId) => someTerms({ userId, clientOrderId: newId() }))
  const codes = async (call: Call) =>
    (await service.placeMany(call, orders)).map((one) => (one.ok ? 'placed' : one.code))
  expect(await codes(nobody)).toEqual(['FORBIDDEN', 'FORBIDDEN', 'FORBIDDEN', 'FORBIDDEN'])
  const command = { terms: orders[1]!, formerKey: null }
  for (const call of [nobody, user(carol)]) expect(await service.validate(call, command)).toEqual(forbidden)
  expect(await service.validate(user(dave), command)).toEqual({ ok: true })
  expect(await codes(user(carol))).toEqual(['placed', 'FORBIDDEN', 'placed', 'FORBIDDEN'])
  // Nothing of the others was stored: their keys are free.
  const answers = await service.placeMany(user(dave), orders)
  expect(answers).toMatchObject([forbidden, { ok: true, replayed: false }, forbidden, { ok: true, replayed: false }])
  expect(await service.placeMany(admin, orders)).toMatchObject(orders.map(() => ({ ok: true, replayed: true })))
  expect(await service.placeMany(open, [])).toEqual([])
})

test('an order of somebody else is answered as one that does not exist, and stays as it is', async () => {
  const order = await placed(user(alice), alice)
  const fills = { orderId: order.id, before: 100, limit: 10 }
  const history = { orderId: order.id, after: -1, limit: 10 }
  for (const call of [user(bob), nobody]) {
    expect(await service.find(call, order.id)).toEqual(notFound)
    expect(await service.fills(call, fills)).toEqual(notFound)
    expect(await service.history(call, history)).toEqual(notFound)
    for (const remaining of [false, true])
      for (const versions of [undefined, [], [0]])
        expect(await service.cancel(call, order.id, { remaining, versions })).toEqual(notFound)
  }
  for (const call of [user(alice), admin, open]) {
    expect(await service.find(call, order.id)).toEqual({ ok: true, order })
    expect(await service.fills(call, fills)).toEqual({ ok: true, items: [], next: null })
    expect(await service.history(call, history)).toMatchObject({ ok: true, items: [{ kind: 'ACCEPTED' }], next: null })
  }
  expect(await service.cancel(user(alice), order.id)).toMatchObject({ ok: true, order: { status: 'CANCELED' } })
})

test('a list holds orders of the caller alone; of another user it is empty, and without a user too', async () => {
  const [hers, his] = [(await placed(user(alice), alice)).id, (await placed(user(bob), bob)).id]
  expect(await idsOf(user(bob))).toEqual([his])
  expect(await idsOf(user(bob), { userId: bob })).toEqual([his])
  expect(await idsOf(user(bob), { userId: alice })).toEqual([])
  expect(await idsOf(nobody)).toEqual([])
  expect(await idsOf(nobody, { userId: alice })).toEqual([])
  expect(await idsOf(aCall({ caller: callerWith(null, new Set(['orders:read'] as const)) }))).toEqual([])
  expect(await idsOf(admin, { userId: bob })).toEqual([his])
  expect(await idsOf(admin)).toEqual(expect.arrayContaining([hers, his]))
})

test('fills, events and exceptions come page by page, each page with the position of the next', async () => {
  const { id: orderId } = await placed(user(alice), alice)
  const trades = ['1', '2', '3', '99', '98'].map((quantity) =>
    aTrade({ buy: orderId, tradeId: `${orderId.slice(-8)}-${quantity}`, quantity }),
  )
  const signal = new AbortController().signal
  await applyTrades(db, trades, { now: () => new Date(), newId, signal, onRetry: () => undefined })
  const first = await service.fills(user(alice), { orderId, before: 100, limit: 2 })
  expect(first).toMatchObject({ ok: true, items: [{ orderVersion: 3 }, { orderVersion: 2 }], next: 2 })
  const second = await service.fills(user(alice), { orderId, before: 2, limit: 2 })
  expect(second).toMatchObject({ ok: true, items: [{ orderVersion: 1 }], next: null })

  const oldest = await service.history(user(alice), { orderId, after: -1, limit: 3 })
  expect(oldest).toMatchObject({
    ok: true,
    items: [{ kind: 'ACCEPTED' }, { kind: 'FILLED' }, { kind: 'FILLED' }],
    next: 2,
  })
  const newer = await service.history(user(alice), { orderId, after: 2, limit: 3 })
  expect(newer).toMatchObject({ ok: true, items: [{ kind: 'FILLED', order: { version: 3 } }], next: null })

  const newest = await service.exceptions(admin, { ...anyException, orderId }, 1)
  if (!newest.ok) throw new Error(newest.code)
  expect(newest.next).toBe(newest.items[0]!.id)
  const rest = await service.exceptions(admin, { ...anyException, orderId, before: newest.next! }, 1)
  expect(rest).toMatchObject({ ok: true, items: [{ orderId }], next: null })
})

test('orders that the engine cannot do are bounded for each caller by itself, and so are their keys', async () => {
  const iceberg = (userId: string, clientOrderId: string | null = null) => ({
    terms: someTerms({ userId, clientOrderId, displayQuantity: 1n }),
    formerKey: null,
  })
  const codeOf = async (call: Call, command: ReturnType<typeof iceberg>): Promise<string> => {
    const result = await service.place(call, command)
    return result.ok ? 'placed' : result.code
  }
  const mine = iceberg(alice, newId())
  expect(await codeOf(user(alice), mine)).toBe('ORDER_REJECTED')
  expect(await codeOf(user(alice), iceberg(alice))).toBe('ORDER_REJECTED')
  expect(await codeOf(user(alice), iceberg(alice))).toBe('RATE_LIMITED')
  expect(await codeOf(user(bob), iceberg(bob))).toBe('ORDER_REJECTED')
  expect(await codeOf(user(bob), { ...mine, terms: { ...mine.terms, userId: bob } })).toBe('ORDER_REJECTED')
  expect(await codeOf(user(bob), mine)).toBe('FORBIDDEN')
  expect(await codeOf(user(bob), iceberg(bob))).toBe('RATE_LIMITED')
  expect(await codeOf(user(alice), mine)).toBe('ORDER_REJECTED')
  expect(await codeOf(admin, mine)).toBe('ORDER_REJECTED')
  expect(await codeOf(nobody, iceberg(alice))).toBe('FORBIDDEN')
})

test('a key is made void by its user or by an administrator', async () => {
  const key = { userId: alice, clientOrderId: newId() }
  for (const call of [user(bob), nobody]) expect(await service.void(call, key)).toEqual(forbidden)
  expect(await service.void(user(alice), key)).toEqual({ ok: true, voided: true })
  expect(await service.void(admin, key)).toEqual({ ok: true, voided: true })
  const used = newId()
  const terms = someTerms({ userId: alice, clientOrderId: used })
  const placed = await service.place(user(alice), { terms, formerKey: null })
  expect(placed).toMatchObject({ ok: true, replayed: false })
  expect(await service.void(user(alice), { userId: alice, clientOrderId: used })).toMatchObject({
    voided: false,
    order: { userId: alice, clientOrderId: used },
  })
})

test('many orders are canceled of the caller’s own user, or of whom an administrator names', async () => {
  const scope = { userId: null, ticker: 'ACCESS', side: null }
  const place = async (userId: string): Promise<string> => {
    const terms = someTerms({ userId, ticker: 'ACCESS' })
    const result = await service.place(admin, { terms, formerKey: null })
    return result.ok ? result.order.id : ''
  }
  const [mine, theirs] = [await place(alice), await place(bob)]
  expect(await service.cancelMany(nobody, scope)).toEqual(forbidden)
  expect(await service.cancelMany(user(alice), { ...scope, userId: bob })).toEqual(forbidden)
  expect(await service.cancelMany(user(alice), scope)).toMatchObject({ canceled: [mine] })
  expect(await service.cancelMany(admin, scope)).toMatchObject({ canceled: [theirs] })
  const arming = { userId: alice, timeoutMs: 0 }
  for (const call of [nobody, user(bob)]) expect(await service.cancelAfter(call, arming)).toEqual(forbidden)
  for (const call of [user(alice), admin]) expect(await service.cancelAfter(call, arming)).toMatchObject({ ok: true })
})

test('exceptions are an administrator’s', async () => {
  const command = { id: newId(), resolvedBy: 'ops', note: 'seen' }
  for (const call of [user(alice), nobody]) {
    expect(await service.exceptions(call, anyException, 1)).toEqual(forbidden)
    expect(await service.resolve(call, command)).toEqual(forbidden)
  }
  expect(await service.resolve(admin, command)).toEqual(notFound)
})

test('what an administrator changes is in the log before it is tried; what others do is not', async () => {
  const { id: orderId } = await placed(admin, alice)
  const exceptionId = newId()
  lines.length = 0
  await service.cancel(user(bob), orderId)
  await service.cancel(open, orderId)
  await service.resolve(open, { id: exceptionId, resolvedBy: 'ops', note: 'seen' })
  expect(lines).toEqual([])
  await service.void(user(alice), { userId: alice, clientOrderId: 'own' })
  expect(lines).toEqual([])
  const [scope, arming] = [
    { userId: alice, ticker: null, side: null },
    { userId: alice, timeoutMs: 0 },
  ] as const
  await service.cancelMany(user(alice), scope)
  await service.cancelAfter(user(alice), arming)
  expect(lines).toEqual([])
  await service.cancelMany(admin, scope)
  await service.cancelAfter(admin, arming)
  await service.void(admin, { userId: alice, clientOrderId: 'k' })
  await service.cancel(admin, orderId)
  await service.cancel(admin, orderId, { remaining: true })
  await service.resolve(admin, { id: exceptionId, resolvedBy: 'ops', note: 'seen' })
  const who = { message: 'an administrator changes something', requestId: 'desk-1', subject: 'ops', credential: 'jwt' }
  expect(lines).toEqual([
    { ...who, operation: 'cancelOrders', ...scope },
    { ...who, operation: 'cancelAfter', ...arming },
    { ...who, operation: 'voidKey', userId: alice, clientOrderId: 'k' },
    { ...who, operation: 'cancelOrder', orderId },
    { ...who, operation: 'deleteOrder', orderId },
    { ...who, operation: 'resolveException', exceptionId },
  ])
})
