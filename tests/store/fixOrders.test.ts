// Proves: orders and cancel requests of a session of FIX are stored in one statement with the numbers of their messages, or not at all; what
// cannot be done waits for its answer; whoever lost the session stores nothing; keys of requests are keys like others.

import { describe, expect, test } from 'bun:test'
import { cancelFixBatch, placeFixOrders, type FixPlacement } from '../../src/app/fixOrders.ts'
import { createFoundLocked } from '../../src/app/foundLocked.ts'
import { voidKeys } from '../../src/app/voids.ts'
import type { Order } from '../../src/domain/order.ts'
import { storeFault } from '../../src/store/faults.ts'
import type { NewFixRequest } from '../../src/store/fixOrders.ts'
import { readDueMessages } from '../../src/store/fixSent.ts'
import { readFixSession, takeFixSession, type TakenSession } from '../../src/store/fixSessions.ts'
import { readHistory } from '../../src/store/historyPage.ts'
import { readOrders } from '../../src/store/orders.ts'
import { anEvent, anOrder, aPlacement, newId } from '../support/builders.ts'
import { ownDatabase } from '../support/ownDatabase.ts'
import { placeAll, placingIn } from '../support/storeOrders.ts'
import { countingLockTimeouts, failureOf, untilBlocked } from '../support/waiting.ts'

const { database, sql } = await ownDatabase()
const places = database.open({ plans: 'keys' })
const changes = database.open()

const userId = crypto.randomUUID()
const at = new Date('2026-01-02T03:04:05.678Z')
let sessions = 0
const take = (session: string) =>
  places.run((sql) => takeFixSession(sql, { session, replicaId: crypto.randomUUID(), ttlMs: 0 }))
const taken = async (session = `FIRM->ORDERS ${++sessions}`): Promise<TakenSession> => (await take(session))!

const messageOf = ({ session, epoch }: TakenSession, number: number) => ({
  session,
  epoch,
  number,
  request: JSON.stringify({ number, text: 'a "nasty" \\ {request}, NULL' }),
})

type Changes = Parameters<typeof anOrder>[0] & { heldBack?: string | null }
const order = (session: TakenSession, number: number, { heldBack = null, ...terms }: Changes = {}): FixPlacement => ({
  order: anOrder({ userId, ...terms }),
  origin: { requestId: `m-${number}`, subject: null, door: { kind: 'fix', session: session.session } },
  event: anEvent(),
  message: messageOf(session, number),
  heldBack,
})
const request = (session: TakenSession, number: number, changes: Partial<NewFixRequest> = {}): NewFixRequest => ({
  message: messageOf(session, number),
  key: { userId, clientOrderId: `f-${session.session}-${number}` },
  target: null,
  heldBack: null,
  reason: { code: 'USER_CANCELED', text: null },
  cause: { kind: 'fix', session: session.session, requestId: `f-${number}` },
  event: anEvent(),
  ...changes,
})
const keyFill = { isDone: () => Promise.resolve(true) }
const place = (...orders: FixPlacement[]) => placeFixOrders(places, orders, placingIn(places))
const attempt = (isFilled = true) => ({
  now: at,
  keyFill: { isDone: () => Promise.resolve(isFilled) },
  foundLocked: createFoundLocked(),
  onCommitted: () => undefined,
})
const cancel = (...requests: NewFixRequest[]) => cancelFixBatch(changes, requests, attempt())
const nextIn = async (lease: TakenSession) => (await places.run((sql) => readFixSession(sql, lease)))!.nextIn
const dues = async ({ session }: TakenSession) =>
  (await places.run((sql) => readDueMessages(sql, session, 100))).map(({ number, reason }) => ({ number, reason }))
const read = async (...ids: string[]): Promise<Order[]> => places.run((sql) => readOrders(sql, ids))
const historyOf = async (orderId: string) =>
  (await places.run((sql) => readHistory(sql, { orderId, after: -1, limit: 10 })))!
const due = { ok: false, code: 'DUE' } as const
const lost = { ok: false, code: 'SESSION_LOST' } as const

describe('placing', () => {
  test('stores the orders of sessions with the numbers of their messages', async () => {
    const [one, two] = [await taken(), await taken()]
    const orders = [order(one, 1, { clientOrderId: 'a-1' }), order(two, 1), order(one, 2, { ticker: 'MSFT' })]
    expect(await place(...orders)).toMatchObject(
      orders.map((each) => ({ ok: true, order: each.order, replayed: false })),
    )
    expect([await nextIn(one), await nextIn(two)]).toEqual([3, 2])
    const events = await sql<{ order_id: string }[]>`
      select order_id from outbox where order_id = any (${orders.map((each) => each.order.id)}) order by position`
    expect(events.map(({ order_id }) => order_id)).toEqual(orders.map((each) => each.order.id))
    expect(await historyOf(orders[0]!.order.id)).toMatchObject([
      {
        kind: 'ACCEPTED',
        cause: { kind: 'fix', session: one.session, requestId: 'm-1' },
        door: { kind: 'fix', session: one.session },
      },
    ])
    expect(await dues(one)).toEqual([])
  })

  test('called again after a lost answer says the same, and stores nothing', async () => {
    const session = await taken()
    await place(order(session, 1, { clientOrderId: 'again' }))
    const orders = [order(session, 2), order(session, 3, { clientOrderId: 'again' }), order(session, 4)]
    const first = await place(...orders)
    expect(first).toMatchObject([{ ok: true }, due, { ok: true }])
    expect(await place(...orders)).toMatchObject(first)
    expect(await nextIn(session)).toBe(5)
    expect(await dues(session)).toEqual([{ number: 3, reason: 'KNOWN_KEY' }])
  })

  test('lets an order wait whose key is held, in the middle of a batch, and twice in it', async () => {
    const session = await taken()
    const key = { userId, clientOrderId: `twice ${newId()}` }
    const orders = [order(session, 1, key), order(session, 2), order(session, 3, key), order(session, 4)]
    expect(await place(...orders)).toMatchObject([{ ok: true }, { ok: true }, due, { ok: true }])
    expect(await dues(session)).toEqual([{ number: 3, reason: 'KNOWN_KEY' }])
    const [row] = await places.run((sql) => readDueMessages(sql, session.session, 1))
    expect(JSON.parse(row!.request)).toEqual(JSON.parse(orders[2]!.message.request))
  })

  test('lets an order wait that is held back, and leaves its key free', async () => {
    const session = await taken()
    const clientOrderId = `held ${newId()}`
    const orders = [order(session, 1), order(session, 2, { clientOrderId, heldBack: 'EXPIRES_AT' })]
    expect(await place(...orders)).toMatchObject([{ ok: true }, due])
    expect(await dues(session)).toEqual([{ number: 2, reason: 'EXPIRES_AT' }])
    expect(await place(order(session, 3, { clientOrderId }))).toMatchObject([{ ok: true }])
  })

  test('stores nothing for who lost the session, nor for another number', async () => {
    const before = await taken()
    const now = await taken(before.session)
    const [late, early] = [order(before, 1), order(now, 2)]
    expect(await place(late)).toEqual([lost])
    expect(await place(early)).toEqual([lost])
    expect(await read(late.order.id, early.order.id)).toEqual([])
    expect(await nextIn(now)).toBe(1)
    expect(await place(order(now, 1))).toMatchObject([{ ok: true }])
  })

  test('of two that hold the session in turn, one stores the message', async () => {
    const before = await taken()
    for (let number = 1; number <= 10; number++) {
      const [taking, placing] = [taken(before.session), place(order(before, number))]
      const [after, [placed]] = [await taking, await placing]
      if (placed!.ok) expect(after.nextIn).toBe(number + 1)
      else expect(after.nextIn).toBe(number)
      Object.assign(before, after)
      if (!placed!.ok) expect(await place(order(before, number))).toMatchObject([{ ok: true }])
    }
  })

  test('stores nothing of a batch with an illegal row, and moves no number', async () => {
    const session = await taken()
    const good = order(session, 1)
    expect(storeFault(await failureOf(place(good, order(session, 2, { ticker: 'lower' }))))).toBe('data')
    expect(await read(good.order.id)).toEqual([])
    expect(await nextIn(session)).toBe(1)
  })

  test('leaves what HTTP stores without a door', async () => {
    const placement = aPlacement()
    await placeAll(places, [placement])
    const [row] = await sql<{ origin: string | null }[]>`select origin from orders where id = ${placement.order.id}`
    expect(row!.origin).toBeNull()
    const byGrpc = { ...aPlacement(), origin: { requestId: 'r', subject: 's', door: { kind: 'grpc' } as const } }
    await placeAll(places, [aPlacement(), byGrpc])
    expect((await historyOf(byGrpc.order.id))[0]!.cause).toEqual({ kind: 'grpc', requestId: 'r', subject: 's' })
  })
})

test('asks the older orders for their keys too, until these are filled in', async () => {
  const session = await taken()
  const older = order(session, 1, { clientOrderId: `older ${newId()}` })
  await place(older)
  await sql.unsafe(
    `alter table order_keys disable trigger order_keys_never_deleted;
     delete from order_keys where order_id = '${older.order.id}';
     alter table order_keys enable trigger order_keys_never_deleted`,
  )
  const clientOrderId = older.order.clientOrderId!
  const unfilled = { isDone: () => Promise.resolve(false) }
  const twin = order(session, 2, { clientOrderId })
  expect(await placeFixOrders(places, [twin], { ...placingIn(places), keyFill: unfilled })).toEqual([due])
  const requests = [
    request(session, 3, { key: { userId, clientOrderId }, target: { clientOrderId } }),
    request(session, 4, { target: { clientOrderId } }),
  ]
  expect(await cancelFixBatch(changes, requests, attempt(false))).toEqual([due, { ok: true }])
})

describe('canceling', () => {
  test('cancels by id and by key, of its own user, and says who asked', async () => {
    const session = await taken()
    const clientOrderId = `c ${newId()}`
    const orders = [
      order(session, 1),
      order(session, 2, { clientOrderId }),
      order(session, 3, { userId: crypto.randomUUID() }),
    ]
    await place(...orders)
    const ids = orders.map((each) => each.order.id)
    const requests = [
      request(session, 4, { target: { orderId: ids[0]! } }),
      request(session, 5, { target: { clientOrderId } }),
      request(session, 6, { target: { orderId: ids[2]! } }),
      request(session, 7, { target: { clientOrderId: 'nobody has it' } }),
      request(session, 8, { target: { orderId: ids[0]! } }),
    ]
    expect(await cancel(...requests)).toEqual([{ ok: true }, { ok: true }, due, due, due])
    expect(await nextIn(session)).toBe(9)
    expect(await dues(session)).toEqual([6, 7, 8].map((number) => ({ number, reason: 'NOT_CANCELED' })))
    expect((await read(...ids)).map(({ status }) => status).toSorted()).toEqual(['CANCELED', 'CANCELED', 'NEW'])
    expect((await historyOf(ids[0]!))[1]).toMatchObject({
      kind: 'CANCELED',
      reason: { code: 'USER_CANCELED' },
      cause: { kind: 'fix', session: session.session, requestId: 'f-4' },
    })
    const told = await sql`select from outbox where kind = 'CANCELLED' and order_id = any (${ids})`
    expect(told).toHaveLength(2)
    expect(await cancel(...requests)).toEqual([{ ok: true }, { ok: true }, due, due, due])
  })

  test('of two requests for one order in one batch lets the first have it', async () => {
    const [one, two] = [await taken(), await taken()]
    const placed = order(one, 1)
    await place(placed)
    const target = { orderId: placed.order.id }
    expect(await cancel(request(two, 1, { target }), request(one, 2, { target }))).toEqual([{ ok: true }, due])
    expect(await dues(one)).toEqual([{ number: 2, reason: 'NOT_CANCELED' }])
  })

  test('of an order of another user keeps nobody from canceling it in the same batch', async () => {
    const [owner, stranger] = [await taken(), await taken()]
    const placed = order(owner, 1)
    await place(placed)
    const target = { orderId: placed.order.id }
    const foreign = request(stranger, 1, { target, key: { userId: crypto.randomUUID(), clientOrderId: 'f' } })
    expect(await cancel(foreign, request(owner, 2, { target }))).toEqual([due, { ok: true }])
  })

  test('takes the key of a request: no order, no void and no other request has it then', async () => {
    const session = await taken()
    const placed = [order(session, 1), order(session, 2)]
    await place(...placed)
    const key = { userId, clientOrderId: `k ${newId()}` }
    const [first, second] = placed.map((each) => ({ target: { orderId: each.order.id }, key }))
    expect(await cancel(request(session, 3, first), request(session, 4, second))).toEqual([{ ok: true }, due])
    expect(await cancel(request(session, 5, second))).toEqual([due])
    expect(await place(order(session, 6, key))).toEqual([due])
    expect(await dues(session)).toEqual([4, 5, 6].map((number) => ({ number, reason: 'KNOWN_KEY' })))
    expect((await read(placed[1]!.order.id))[0]!.status).toBe('NEW')
    expect(await placeAll(places, [aPlacement(key)])).toEqual([{ ok: false, code: 'VOIDED' }])
    const asVoid = { key, at, requestId: null, subject: null }
    expect(await voidKeys(places, [asVoid], { keyFill, onStored: () => undefined })).toEqual([
      { ok: true, voided: true },
    ])
  })

  test('takes no key that an order or a void has', async () => {
    const session = await taken()
    const [held, voided] = [newId(), newId()].map((clientOrderId) => ({ userId, clientOrderId }))
    const placed = order(session, 1, held)
    await place(placed)
    await voidKeys(places, [{ key: voided!, at, requestId: null, subject: null }], {
      keyFill,
      onStored: () => undefined,
    })
    const target = { orderId: placed.order.id }
    expect(
      await cancel(request(session, 2, { target, key: held! }), request(session, 3, { target, key: voided! })),
    ).toEqual([due, due])
    expect((await read(placed.order.id))[0]!.status).toBe('NEW')
  })

  test('lets a request wait that is held back, with its key; without a key it takes none', async () => {
    const session = await taken()
    const mass = request(session, 1, { heldBack: 'MASS_CANCEL' })
    const foreign = request(session, 2, {
      heldBack: 'FORBIDDEN',
      key: { userId: crypto.randomUUID(), clientOrderId: null },
    })
    expect(await cancel(mass, foreign)).toEqual([due, due])
    expect(await dues(session)).toEqual([
      { number: 1, reason: 'MASS_CANCEL' },
      { number: 2, reason: 'FORBIDDEN' },
    ])
    expect(await cancel(request(session, 3, { key: mass.key }))).toEqual([due])
  })

  test.each([true, false])(
    'of an order that a session of Postgres holds locked waits once, is refused alone, and has its number (keys filled: %p)',
    async (isFilled) => {
      const [one, two] = [await taken(), await taken()]
      const clientOrderId = `locked ${newId()}`
      const orders = [order(one, 1, { clientOrderId }), order(one, 2), order(two, 1)]
      await place(...orders)
      const [target, free, other] = orders.map((each) => ({ orderId: each.order.id }))
      const impatient = countingLockTimeouts(database.open({ connections: 1, lockTimeoutMs: 100 }))
      const options = attempt(isFilled)
      const ask = (...requests: NewFixRequest[]) => cancelFixBatch(impatient.db, requests, options)
      const holder = database.session()
      try {
        await holder`begin`
        await holder`select from orders where id = ${target!.orderId} for update`
        const requests = [
          request(one, 3, { target: target! }),
          request(two, 2, { target: other! }),
          request(one, 4, { target: { clientOrderId } }),
          request(one, 5, { target: free! }),
          request(one, 6, { target: { clientOrderId: 'nobody has it' } }),
        ]
        const done = { ok: true } as const
        const answers = [due, done, due, done, due]
        expect(await ask(...requests)).toEqual(answers)
        expect(await dues(one)).toEqual([
          { number: 3, reason: 'LOCKED' },
          { number: 4, reason: 'LOCKED' },
          { number: 6, reason: 'NOT_CANCELED' },
        ])
        expect([await nextIn(one), await nextIn(two)]).toEqual([7, 3])
        expect(await ask(...requests)).toEqual(answers)
        expect(await ask(request(one, 7, { target: target! }))).toEqual([due])
        expect((await dues(one)).at(-1)).toEqual({ number: 7, reason: 'LOCKED' })
        expect(impatient.timeouts()).toBe(1)
      } finally {
        await holder`rollback`
      }
      expect(await ask(request(one, 8, { target: target! }))).toEqual([{ ok: true }])
      expect(options.foundLocked.among([target!.orderId])).toEqual([])
    },
  )

  test('of an order that somebody moves waits for that, also beside one that was found locked; and has none of these meanwhile', async () => {
    const session = await taken()
    const orders = [order(session, 1), order(session, 2), order(session, 3)]
    await place(...orders)
    const [freed, locked, moved] = orders.map((each) => each.order.id).toSorted()
    const options = attempt()
    options.foundLocked.note([], new Set([freed!, locked!]))
    const [holder, mover] = [database.session(), database.session()]
    try {
      await holder`begin`
      await holder`select from orders where id = ${locked!} for update`
      await mover`begin`
      await mover`select from orders where id = ${moved!} for update`
      const asked = [freed!, locked!, moved!].map((orderId, i) => request(session, 4 + i, { target: { orderId } }))
      const canceling = cancelFixBatch(changes, asked, options)
      await untilBlocked(sql, 'select t.*, coalesce(')
      expect(await sql`select id from orders where id = ${freed!} for update nowait`).toHaveLength(1)
      await mover`rollback`
      expect(await canceling).toEqual([{ ok: true }, due, { ok: true }])
      expect(await dues(session)).toEqual([{ number: 5, reason: 'LOCKED' }])
      expect(options.foundLocked.among([freed!, locked!, moved!])).toEqual([locked!])
    } finally {
      await Promise.all([holder, mover].map((one) => one`rollback`))
    }
  })

  test('changes nothing for who lost the session', async () => {
    const before = await taken()
    const placed = order(before, 1)
    await place(placed)
    await taken(before.session)
    expect(await cancel(request(before, 2, { target: { orderId: placed.order.id } }))).toEqual([lost])
    expect((await read(placed.order.id))[0]!.status).toBe('NEW')
  })
})

test('of an order of HTTP, one of a session, a request and a void with one key at once, one has it', async () => {
  const [one, two] = [await taken(), await taken()]
  const other = database.open({ plans: 'keys' })
  for (let round = 1; round <= 12; round++) {
    const key = { userId, clientOrderId: `race ${newId()}` }
    const racers = [
      () => placeAll(other, [aPlacement(key)]).then(([result]) => result!.ok && !result!.replayed),
      () => place(order(one, round, key)).then(([result]) => result!.ok),
      () => cancel(request(two, round, { key, heldBack: 'MASS_CANCEL' })).then(() => null),
      () =>
        voidKeys(other, [{ key, at, requestId: null, subject: null }], { keyFill, onStored: () => undefined }).then(
          ([result]) => result!.voided,
        ),
    ]
    // Whoever starts first wins now and then; each takes its turn at that.
    const started: Promise<boolean | null>[] = []
    for (let i = 0; i < racers.length; i++) {
      const racer = (round + i) % racers.length
      started[racer] = racers[racer]!()
    }
    const [placedByHttp, placedByFix, , voided] = await Promise.all(started)
    const [row] = await sql<{ order_id: string | null; session: string | null; void: boolean }[]>`
      select order_id, session, voided_at is not null as void from order_keys
      where user_id = ${userId} and client_order_id = ${key.clientOrderId}`
    expect([placedByHttp, placedByFix].filter((ok) => ok === true)).toHaveLength(row!.order_id === null ? 0 : 1)
    expect(voided).toBe(row!.order_id === null)
    const reasons = (await dues(two)).filter(({ number }) => number === round).map(({ reason }) => reason)
    expect(reasons).toEqual([row!.session === null ? 'KNOWN_KEY' : 'MASS_CANCEL'])
    expect(row!.session ?? two.session).toBe(two.session)
  }
})
