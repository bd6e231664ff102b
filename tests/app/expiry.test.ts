// Proves: an order ends by the database's clock and by nothing else; the engine is told once, and the status follows the trade topic, so that
// what the engine did until it read the cancellation counts; whatever happens to the order meanwhile, it ends in one way; replicas share the
// work and do none of it twice.

import { beforeEach, describe, expect, test } from 'bun:test'
import { cancelBatch } from '../../src/app/cancel.ts'
import { createExpiry, type ExpiryOptions } from '../../src/app/expiry.ts'
import { applyTrades } from '../../src/app/fill.ts'
import type { OrderTerms } from '../../src/domain/terms.ts'
import { addEndings } from '../../src/store/endings.ts'
import type { Database, Sql } from '../../src/store/sql.ts'
import { raiseTapeMarks, readTapeNeed } from '../../src/store/tapeMarks.ts'
import { amount, anEvent, aPlacement, aTrade, newId, type TradeChanges } from '../support/builders.ts'
import { ownDatabase } from '../support/ownDatabase.ts'
import { quietLog } from '../support/quietLog.ts'
import { storeOrders } from '../support/storeOrders.ts'

const { database, sql, db } = await ownDatabase()
const topic = 'trades'

const optionsOf = (changes: Partial<ExpiryOptions> = {}): ExpiryOptions => ({
  db: database.open({ plans: 'pages', connections: 1 }),
  topic,
  settleMs: 0,
  graceMs: 0,
  newEventId: () => newId(),
  onCommitted: () => undefined,
  clock: () => performance.now(),
  log: quietLog().log,
  ...changes,
})
const expiry = createExpiry(optionsOf())

const seconds = (n: number): string => new Date(Date.now() + n * 1_000).toISOString()
const overdue = (): Partial<OrderTerms> => ({ timeInForce: 'GTD', expiresAt: seconds(-5) })

/** Stored orders, by default published and acknowledged. */
const place = async (...terms: Partial<OrderTerms>[]): Promise<string[]> => {
  const placements = terms.map((some) => aPlacement(some))
  await db.run((sql) => storeOrders(sql, placements))
  await acknowledge()
  return placements.map(({ order }) => order.id)
}
/** What the relay does once the broker has everything. */
const acknowledge = async (): Promise<void> => void (await sql`delete from outbox`)
/** What the consumers do once all of the topic was applied; `partitions`: how many the topic has. */
const readOn = (partitions = 1, behindMs = 0) =>
  db.run(async (sql) => {
    const [row] = await sql<{ now: Date }[]>`select clock_timestamp() + interval '1 millisecond' as now`
    const readUntil = new Date(row!.now.getTime() - behindMs)
    const marks = Array.from({ length: partitions }, (_, partition) => ({ partition, readUntil }))
    await raiseTapeMarks(sql, { topic, partitions, goneUntil: null, marks })
  })
const fill = (orderId: string, changes: TradeChanges = {}) =>
  applyTrades(db, [aTrade({ order: orderId, ...changes })], {
    now: () => new Date(),
    newId,
    signal: new AbortController().signal,
    onRetry: () => undefined,
  })
const cancel = (id: string) =>
  cancelBatch(db, [{ id, cause: { kind: 'request' }, event: anEvent() }], {
    again: false,
    now: new Date(),
    onCommitted: () => undefined,
  })
const settled = async (): Promise<void> => {
  await expiry.pass()
  await acknowledge()
  await expiry.pass()
  await readOn()
  await expiry.pass()
}

const orderOf = async (id: string) => {
  const [row] = await sql<{ status: string; filled: number; reason: string | null; version: number }[]>`
    select status, filled_quantity::float8 as filled, reason_code as reason, version from orders where id = ${id}`
  return row!
}
const eventsOf = async (id: string) => [
  ...(await sql<{ kind: string; filled: number | null; reason: string | null }[]>`
    select kind, filled_quantity::float8 as filled, reason_code as reason from outbox where order_id = ${id} order by position`),
]
const endings = async () => (await sql`select from order_endings`).length
const changesOf = async (id: string) => [
  ...(await sql`select version, kind, reason_code, cause from order_changes where order_id = ${id} order by version`),
]

beforeEach(async () => {
  await sql`update orders set status = 'CANCELED', version = version + 1 where open`
  await sql`delete from order_endings`
  await sql`delete from outbox`
  await sql`delete from tape_marks`
})

describe('at its instant', () => {
  test('the engine is told, with what was filled and why, and the status stays', async () => {
    const [id] = await place(overdue())
    await fill(id!, { quantity: '30' })
    await expiry.pass()
    expect(await eventsOf(id!)).toEqual([{ kind: 'CANCELLED', filled: 30, reason: 'EXPIRED_GTD' }])
    expect(await orderOf(id!)).toMatchObject({ status: 'PARTIALLY_FILLED', reason: null })
    await expiry.pass()
    expect(await eventsOf(id!)).toHaveLength(1)
  })

  test('and not before it, whatever the clock of the process says', async () => {
    const [id] = await place({ timeInForce: 'GTD', expiresAt: seconds(2) })
    const fast = createExpiry(optionsOf({ clock: () => performance.now() + 3_600_000 }))
    await fast.pass()
    expect(await eventsOf(id!)).toEqual([])
    expect(await endings()).toBe(0)
    await sql`select pg_sleep(2)`
    await expiry.pass()
    expect(await eventsOf(id!)).toHaveLength(1)
  })

  test.each([
    ['DAY', 'EXPIRED_DAY'],
    ['GTD', 'EXPIRED_GTD'],
    ['GTC', 'EXPIRED_GTC'],
  ] as const)('a %s order ends as %s', async (timeInForce, reason) => {
    const [id] = await place({ timeInForce, expiresAt: seconds(-1) })
    await settled()
    expect(await orderOf(id!)).toMatchObject({ status: 'EXPIRED', reason })
    expect(await changesOf(id!)).toEqual([
      { version: 1, kind: 'EXPIRED', reason_code: reason, cause: { kind: 'expiry' } },
    ])
    expect(await endings()).toBe(0)
  })

  test('an order without expiresAt goes on, as those of 1.0 do', async () => {
    const [day, gtc] = await place({ timeInForce: 'DAY' }, { timeInForce: 'GTC' })
    await settled()
    for (const id of [day!, gtc!]) expect(await orderOf(id)).toMatchObject({ status: 'NEW' })
  })

  test('a partial fill before it does not stop the timer', async () => {
    const [id] = await place({ timeInForce: 'GTD', expiresAt: seconds(1) })
    await fill(id!, { quantity: '40' })
    await expiry.pass()
    await sql`select pg_sleep(1)`
    await settled()
    expect(await orderOf(id!)).toMatchObject({ status: 'EXPIRED', filled: 40, reason: 'EXPIRED_GTD', version: 2 })
  })
})

describe('the status follows the trade topic', () => {
  test('it waits until the broker has the cancellation, then until all was applied that came in the settling time', async () => {
    const [id] = await place(overdue())
    const slow = createExpiry(optionsOf({ settleMs: 1_000 }))
    const stays = async (): Promise<void> => {
      await slow.pass()
      expect(await orderOf(id!)).toMatchObject({ status: 'NEW' })
    }
    await stays()
    await readOn()
    await stays()
    await acknowledge()
    await stays()
    // Applied up to the acknowledgement, but not up to the end of the settling time.
    await readOn()
    await stays()
    await sql`select pg_sleep(1.1)`
    await stays()
    await readOn()
    await slow.pass()
    expect(await orderOf(id!)).toMatchObject({ status: 'EXPIRED' })
  })

  test('fills until then count: an order becomes FILLED instead of EXPIRED, and the ending is forgotten', async () => {
    const [id] = await place(overdue())
    await expiry.pass()
    await acknowledge()
    await expiry.pass()
    // Our own reading was an hour behind: the trade was on the topic all the time.
    const [first] = await fill(id!, { quantity: '60' })
    const [second] = await fill(id!, { quantity: '40' })
    expect([first!.disposition, second!.disposition]).toEqual(['APPLIED', 'APPLIED'])
    await readOn()
    await expiry.pass()
    expect(await orderOf(id!)).toEqual({ status: 'FILLED', filled: 100, reason: null, version: 2 })
    expect(await endings()).toBe(0)
    await settled()
    expect(await orderOf(id!)).toMatchObject({ status: 'FILLED' })
  })

  test('later ones are late', async () => {
    const [id] = await place(overdue())
    await settled()
    const [leg] = await fill(id!, { quantity: '60' })
    expect(leg!.disposition).toBe('LATE')
    expect(await orderOf(id!)).toMatchObject({ status: 'EXPIRED', filled: 60 })
  })

  test('every partition that the topic has now must be read: a new one has no mark that says anything', async () => {
    const [id] = await place(overdue())
    await expiry.pass()
    await acknowledge()
    await expiry.pass()
    const now = new Date(Date.now() + 60_000)
    await db.run((sql) =>
      raiseTapeMarks(sql, {
        topic,
        partitions: 3,
        goneUntil: null,
        marks: [
          { partition: 0, readUntil: now },
          { partition: 2, readUntil: now },
        ],
      }),
    )
    await expiry.pass()
    expect(await orderOf(id!)).toMatchObject({ status: 'NEW' })
    await db.run((sql) =>
      raiseTapeMarks(sql, { topic, partitions: 3, goneUntil: null, marks: [{ partition: 1, readUntil: now }] }),
    )
    await expiry.pass()
    expect(await orderOf(id!)).toMatchObject({ status: 'EXPIRED' })
  })

  test('a partition that the topic no longer has holds up nothing, until there is one of its number again', async () => {
    const raise = (partitions: number, minutes: number, isSure = true) => {
      const readUntil = new Date(Date.now() + minutes * 60_000)
      const marks = Array.from({ length: partitions }, (_, partition) => ({ partition, readUntil })).slice(0, 2)
      return db.run((sql) => raiseTapeMarks(sql, { topic, partitions, goneUntil: isSure ? readUntil : null, marks }))
    }
    const acknowledged = async (): Promise<string> => {
      const [id] = await place(overdue())
      await expiry.pass()
      await acknowledge()
      await expiry.pass()
      return id!
    }
    const statusAfter = async (id: string) => {
      await expiry.pass()
      return (await orderOf(id)).status
    }
    await raise(3, -1)
    const id = await acknowledged()
    await raise(2, 1, false)
    expect(await statusAfter(id)).toBe('NEW')
    await raise(2, 1)
    expect(await statusAfter(id)).toBe('EXPIRED')
    // Its mark stands where the topic lacked it, and not higher: what comes to it now is waited for.
    const marks = () => sql<{ p: number; t: Date }[]>`select partition as p, read_until as t from tape_marks order by 1`
    const [first, , third] = await marks()
    expect(third!.t).toEqual(first!.t)
    await raise(3, 5)
    expect((await marks())[2]!.t).toEqual(third!.t)
  })

  test('a mark never falls, and the marks of another topic say nothing', async () => {
    const at = (ms: number): Date => new Date(Date.UTC(2026, 0, 1) + ms)
    const raise = (readUntil: Date) =>
      db.run((sql) =>
        raiseTapeMarks(sql, { topic, partitions: 1, goneUntil: null, marks: [{ partition: 0, readUntil }] }),
      )
    await raise(at(500))
    await raise(at(100))
    expect([...(await sql`select topic, partition, read_until from tape_marks`)]).toEqual([
      { topic, partition: 0, read_until: at(500) },
    ])
    const [id] = await place(overdue())
    await expiry.pass()
    await acknowledge()
    await expiry.pass()
    await db.run((sql) =>
      raiseTapeMarks(sql, {
        topic: 'other',
        partitions: 1,
        goneUntil: null,
        marks: [{ partition: 0, readUntil: new Date(Date.now() + 60_000) }],
      }),
    )
    await expiry.pass()
    expect(await orderOf(id!)).toMatchObject({ status: 'NEW' })
  })

  test('marks are asked for only while an ending that the broker has, or a report, waits', async () => {
    const need = () => db.run(readTapeNeed)
    expect(await need()).toBeNull()
    await place(overdue())
    await expiry.pass()
    expect(await need()).toBeNull()
    await acknowledge()
    await expiry.pass()
    expect(await need()).toBeInstanceOf(Date)
    await readOn()
    await expiry.pass()
    expect(await need()).toBeNull()
  })
})

describe('a stop that waits for its price', () => {
  const stop = { type: 'STOP', price: null, stopPrice: amount('140') } as const

  test('expires by the clock alone, and no engine is told', async () => {
    const [id] = await place({ ...stop, ...overdue() })
    await expiry.pass()
    expect(await orderOf(id!)).toEqual({ status: 'EXPIRED', filled: 0, reason: 'EXPIRED_GTD', version: 1 })
    expect(await eventsOf(id!)).toEqual([])
    expect(await endings()).toBe(0)
  })

  /** What a trigger writes. */
  const trigger = async (on: Sql, id: string): Promise<void> => {
    await on`update orders set triggered_at = clock_timestamp(), version = version + 1 where id = ${id}`
    await on`insert into order_changes (order_id, version, kind, at, cause, filled_quantity, filled_notional, rules_epoch)
      values (${id}, 1, 'TRIGGERED', now(), '{"kind":"trigger"}', 0, 0, 1)`
  }
  const endsAsPublished = async (id: string): Promise<void> => {
    expect(await orderOf(id)).toMatchObject({ status: 'NEW', version: 1 })
    await settled()
    expect(await orderOf(id)).toMatchObject({ status: 'EXPIRED', version: 2 })
    expect((await changesOf(id)).map(({ kind }) => String(kind))).toEqual(['TRIGGERED', 'EXPIRED'])
  }

  test('that triggers while its end is decided goes on, and ends as an order that the engine knows', async () => {
    const [id] = await place({ ...stop, ...overdue() })
    let reads = 0
    const between: Database = {
      ...db,
      async run(statement) {
        const result = await db.run(statement)
        if (++reads === 1) await trigger(sql, id!)
        return result
      },
    }
    await createExpiry(optionsOf({ db: between })).pass()
    await endsAsPublished(id!)
  })

  test('that somebody has locked holds up no other', async () => {
    const [locked, other] = await place({ ...stop, ...overdue() }, { ...stop, ...overdue() })
    const session = database.session()
    await session`begin`
    await trigger(session, locked!)
    await expiry.pass()
    expect(await orderOf(other!)).toMatchObject({ status: 'EXPIRED' })
    await session`commit`
    await session.end()
    await endsAsPublished(locked!)
  })
})

describe('a cancel', () => {
  test('of an order whose end was told wins, and nothing comes after it', async () => {
    const [id] = await place(overdue())
    await expiry.pass()
    expect((await cancel(id!))[0]).toMatchObject({ ok: true, order: { status: 'CANCELED' } })
    await settled()
    expect(await orderOf(id!)).toEqual({ status: 'CANCELED', filled: 0, reason: 'USER_CANCELED', version: 1 })
    expect(await endings()).toBe(0)
  })

  test('before it is told leaves nothing to tell', async () => {
    const [id] = await place(overdue())
    await db.run((sql) => addEndings(sql, [id!], { outcome: 'EXPIRED', reasonCode: 'EXPIRED_GTD' }))
    await cancel(id!)
    await acknowledge()
    await expiry.pass()
    expect(await eventsOf(id!)).toEqual([])
    expect(await endings()).toBe(0)
  })
})

describe('what an engine without reports leaves', () => {
  const graceful = createExpiry(optionsOf({ graceMs: 300 }))
  const market = { type: 'MARKET', price: null } as const

  test('ends after the grace time, by the same rule, as CANCELED', async () => {
    const ids = await place({ timeInForce: 'IOC' }, { timeInForce: 'FOK' }, market)
    await graceful.pass()
    for (const id of ids) expect(await eventsOf(id)).toEqual([])
    await sql`select pg_sleep(0.4)`
    await graceful.pass()
    // Its last fill is not known yet.
    await fill(ids[0]!, { quantity: '70' })
    expect(await eventsOf(ids[0]!)).toEqual([{ kind: 'CANCELLED', filled: 0, reason: 'REMAINDER' }])
    await acknowledge()
    await graceful.pass()
    await fill(ids[1]!, { quantity: '100' })
    for (const id of ids) expect(await orderOf(id)).not.toMatchObject({ status: 'CANCELED' })
    await readOn()
    await graceful.pass()
    expect(await orderOf(ids[0]!)).toMatchObject({ status: 'CANCELED', filled: 70, reason: 'REMAINDER' })
    expect(await orderOf(ids[1]!)).toMatchObject({ status: 'FILLED', reason: null })
    expect(await orderOf(ids[2]!)).toMatchObject({ status: 'CANCELED', reason: 'REMAINDER' })
  })

  test('never ends while its placement waits in the outbox, nor with a grace time of 0', async () => {
    const placement = aPlacement({ timeInForce: 'IOC' })
    await db.run((sql) => storeOrders(sql, [placement]))
    await graceful.pass()
    await sql`select pg_sleep(0.4)`
    await graceful.pass()
    expect(await endings()).toBe(0)
    await acknowledge()
    await expiry.pass()
    expect(await endings()).toBe(0)
    await graceful.pass()
    expect(await endings()).toBe(1)
  })

  test('orders that rest in the book are left alone', async () => {
    const ids = await place({ timeInForce: 'GTC' }, { timeInForce: 'DAY' }, { ...overdue(), expiresAt: seconds(60) })
    await graceful.pass()
    expect(await endings()).toBe(0)
    for (const id of ids) expect(await orderOf(id)).toMatchObject({ status: 'NEW' })
  })

  test('a MARKET order that is to end later for what it left expires at its instant', async () => {
    const patient = createExpiry(optionsOf({ graceMs: 3_600_000 }))
    const [id] = await place({ ...market, timeInForce: 'DAY', expiresAt: seconds(1) })
    await patient.pass()
    expect(await endings()).toBe(1)
    await sql`select pg_sleep(1)`
    await patient.pass()
    expect(await eventsOf(id!)).toEqual([{ kind: 'CANCELLED', filled: 0, reason: 'EXPIRED_DAY' }])
  })
})

describe('replicas', () => {
  test('share the orders of a close, and none is told or ended twice', async () => {
    const count = 1_800
    const ids = await place(...Array.from({ length: count }, overdue))
    const replicas = Array.from({ length: 3 }, () => createExpiry(optionsOf()))
    const all = async (): Promise<void> => {
      for (let more = true; more;) more = (await Promise.all(replicas.map(({ pass }) => pass()))).includes(true)
    }
    await all()
    await all()
    expect([
      ...(await sql`select kind, count(*)::integer as n, count(distinct order_id)::integer as orders from outbox group by kind`),
    ]).toEqual([{ kind: 'CANCELLED', n: count, orders: count }])
    await acknowledge()
    await all()
    await readOn()
    await all()
    expect(await endings()).toBe(0)
    const rows = await sql`
      select status, version, count(*)::integer as n from orders where id = any (${ids}::uuid[]) group by status, version`
    expect([...rows]).toEqual([{ status: 'EXPIRED', version: 1, n: count }])
  })

  test('wait for no order that somebody has locked: its turn comes later', async () => {
    const [locked, other] = await place(overdue(), overdue())
    const session = database.session()
    const lock = async (): Promise<void> => {
      await session`begin`
      await session`select from orders where id = ${locked!} for update`
    }
    await lock()
    await expiry.pass()
    expect([(await eventsOf(locked!)).length, (await eventsOf(other!)).length]).toEqual([0, 1])
    await session`commit`
    await db.run((sql) => addEndings(sql, [locked!], { outcome: 'EXPIRED', reasonCode: 'EXPIRED_GTD' }))
    await lock()
    await expiry.pass()
    expect([(await eventsOf(locked!)).length, (await eventsOf(other!)).length]).toEqual([0, 1])
    await session`commit`
    await expiry.pass()
    expect(await eventsOf(locked!)).toHaveLength(1)
    await acknowledge()
    await expiry.pass()
    await readOn()
    await lock()
    await expiry.pass()
    expect(await orderOf(other!)).toMatchObject({ status: 'EXPIRED' })
    await session`commit`
    await session.end()
    await expiry.pass()
    expect(await orderOf(locked!)).toMatchObject({ status: 'EXPIRED' })
  })

  /** Orders whose endings wait for nothing but their status. */
  const acknowledged = async (count: number): Promise<string[]> => {
    const ids = await place(...Array.from({ length: count }, overdue))
    for (const stage of ['told', 'acknowledged']) {
      for (let more = true; more;) more = await expiry.pass()
      if (stage === 'told') await acknowledge()
    }
    await readOn()
    return ids
  }
  const lockEndings = async (session: Sql, ids: readonly string[]): Promise<void> => {
    await session`begin`
    await session`select from order_endings where order_id = any (${ids}::uuid[]) for update`
  }

  test('wait for no ending that somebody has locked, however many: the others get their status', async () => {
    const ids = await acknowledged(502)
    const rows = await sql<
      { id: string }[]
    >`select order_id as id from order_endings order by acknowledged_at limit 500`
    const locked = rows.map(({ id }) => id)
    const session = database.session()
    await lockEndings(session, locked)
    await expiry.pass()
    const statuses = () => sql<{ id: string; status: string }[]>`
      select id, status from orders where id = any (${ids}::uuid[]) order by status`
    const ended = (await statuses()).filter(({ status }) => status === 'EXPIRED').map(({ id }) => id)
    expect(ended.toSorted()).toEqual(ids.filter((id) => !locked.includes(id)).toSorted())
    expect(await endings()).toBe(500)
    await session`commit`
    await session.end()
    for (let more = true; more;) more = await expiry.pass()
    expect(new Set((await statuses()).map(({ status }) => status))).toEqual(new Set(['EXPIRED']))
    expect(await endings()).toBe(0)
  })

  /** A pool that locks something as soon as a statement has given such an answer. */
  const lockingAfter = (isThis: (answer: unknown) => boolean, lock: () => Promise<unknown>): Database => ({
    ...db,
    async run(statement) {
      const answer = await db.run(statement)
      if (isThis(answer)) await lock()
      return answer
    },
  })
  const areSettled = (answer: unknown): boolean => Array.isArray(answer) && answer.some((one) => 'outcome' in one)
  const areMoved = (answer: unknown): boolean => answer instanceof Map && answer.size > 0

  test('wait for no order that is locked between the look and the status', async () => {
    const [locked, other] = await acknowledged(2)
    const session = database.session()
    const lock = async (): Promise<void> => {
      await session`begin`
      await session`select from orders where id = ${locked!} for update`
    }
    await createExpiry(optionsOf({ db: lockingAfter(areSettled, lock) })).pass()
    expect(await orderOf(other!)).toMatchObject({ status: 'EXPIRED' })
    expect([...(await sql`select order_id as id from order_endings`)]).toEqual([{ id: locked! }])
    await session`commit`
    await session.end()
    await expiry.pass()
    expect(await orderOf(locked!)).toMatchObject({ status: 'EXPIRED' })
    expect(await endings()).toBe(0)
  })

  test('wait for no ending that is locked between the status and its deletion', async () => {
    const [locked, other] = await acknowledged(2)
    const session = database.session()
    await createExpiry(optionsOf({ db: lockingAfter(areMoved, () => lockEndings(session, [locked!])) })).pass()
    for (const id of [locked!, other!]) expect(await orderOf(id)).toMatchObject({ status: 'EXPIRED', version: 1 })
    expect([...(await sql`select order_id as id from order_endings`)]).toEqual([{ id: locked! }])
    await session`commit`
    await session.end()
    await expiry.pass()
    expect(await orderOf(locked!)).toMatchObject({ status: 'EXPIRED', version: 1 })
    expect(await endings()).toBe(0)
  })

  test('one order that the database refuses to end holds up no other', async () => {
    const [guilty, ...others] = await place(overdue(), overdue(), overdue(), overdue())
    await sql.unsafe(`create function refuse_this() returns trigger language plpgsql as
      $$ begin raise exception 'not this one' using errcode = 'check_violation'; end $$`)
    await sql.unsafe(`create trigger refuse_this before update on orders for each row
      when (old.id = '${guilty!}' and new.status = 'EXPIRED') execute function refuse_this()`)
    await settled()
    for (const id of others) expect(await orderOf(id)).toMatchObject({ status: 'EXPIRED' })
    expect(await orderOf(guilty!)).toMatchObject({ status: 'NEW' })
    await sql`drop trigger refuse_this on orders`
    await expiry.pass()
    expect(await orderOf(guilty!)).toMatchObject({ status: 'EXPIRED' })
  })

  test('one that dies after the status and before it forgets the ending leaves nothing that happens again', async () => {
    const [id] = await place(overdue())
    await expiry.pass()
    const [kept] = await sql`select * from order_endings`
    await acknowledge()
    await expiry.pass()
    await readOn()
    await expiry.pass()
    await sql`insert into order_endings ${sql({ ...kept, acknowledged_at: kept!['told_at'] })}`
    await settled()
    expect(await orderOf(id!)).toMatchObject({ status: 'EXPIRED', version: 1 })
    expect(await endings()).toBe(0)
    expect(await eventsOf(id!)).toEqual([])
  })
})

test('the backlog says how many wait in each stage, and for how long', async () => {
  const { log } = quietLog()
  let now = 0
  const watched = createExpiry(optionsOf({ clock: () => now, log }))
  await place(overdue(), overdue())
  const stop = new AbortController()
  const running = watched.run(stop.signal)
  try {
    for (;;) {
      now += 10_000
      const { backlog } = watched.state()
      if (backlog.sending.orders === 2) break
      await Bun.sleep(20)
    }
    expect(watched.state()).toMatchObject({ obstacle: null, backlog: { due: { orders: 0 }, settling: { orders: 0 } } })
  } finally {
    stop.abort()
    await running
  }
})
