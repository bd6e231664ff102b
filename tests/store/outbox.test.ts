// Proves: the relay reads exactly the events that are committed, due and its own, deletes exactly those that it names, and has a
// true count and age of what waits.

import { beforeEach, describe, expect, test } from 'bun:test'
import type { Order } from '../../src/domain/order.ts'
import { allEventTerms, type EventTerms } from '../../src/domain/terms.ts'
import { isLockTimeout } from '../../src/store/faults.ts'
import { moveOrders } from '../../src/store/moves.ts'
import {
  deleteEvents,
  deleteFreeEvents,
  drawTransactionId,
  eventOrder,
  readBacklog,
  readLastPosition,
  readOutbox,
  readSettled,
  shardCount,
  vacuumOutbox,
  type OutboxBound,
} from '../../src/store/outbox.ts'
import { aCancel, aPlacement, amount, newId } from '../support/builders.ts'
import { createDatabase } from '../support/database.ts'
import { createExplainer } from '../support/explain.ts'
import { ownDatabase } from '../support/ownDatabase.ts'
import { storeOrders } from '../support/storeOrders.ts'
import { until } from '../support/until.ts'
import { failureOf, untilBlocked } from '../support/waiting.ts'

const replicaId = '00000000-0000-4000-8000-000000000001'
const otherId = '00000000-0000-4000-8000-000000000002'

const { database, sql, db } = await ownDatabase()

beforeEach(async () => {
  await sql`delete from outbox`
  await sql`update relay_leases set holder = ${replicaId}, expires_at = now() + interval '1 hour', set_aside = '{}'`
})

/** Places an order of each ticker, in this order; returns their ids. */
const place = async (...tickers: string[]): Promise<string[]> => {
  const placements = tickers.map((ticker) => aPlacement({ ticker }))
  await db.run((sql) => storeOrders(sql, placements))
  return placements.map(({ order }) => order.id)
}
const cancel = (id: string) => db.run((sql) => moveOrders(sql, [aCancel(id)], new Date()))

type OutboxQuery = Parameters<typeof readOutbox>[1]
const look = (changes: Partial<OutboxQuery> = {}) =>
  db.run((sql) =>
    readOutbox(sql, { replicaId, floor: 0n, shards: everyShard, except: [], only: null, limit: 100, ...changes }),
  )
const tickersSeen = async (changes: Partial<OutboxQuery> = {}) => (await look(changes)).map(({ order }) => order.ticker)

const everyShard = Array.from({ length: shardCount }, (_, shard) => shard)

const shardOf = async (ticker: string): Promise<number> => {
  const [row] = await sql<{ shard: number }[]>`select hashtext(${ticker}) & ${shardCount - 1}::integer as shard`
  return row!.shard
}

/** What events say of an order. */
const eventTermsOf = (order: Order): EventTerms => {
  const texts = eventOrder(order)
  return Object.fromEntries(allEventTerms.map(({ name }) => [name, texts[name]])) as EventTerms
}

describe('readOutbox', () => {
  test('gives each event with the terms of its order', async () => {
    const placement = aPlacement({ ticker: 'MSFT', side: 'SELL', quantity: amount('0.5'), price: amount('0.00000001') })
    const event = { eventId: newId(), traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' }
    await db.run((sql) => storeOrders(sql, [{ ...placement, event }]))
    const [found, ...rest] = await look()
    expect(rest).toEqual([])
    expect(found).toEqual({
      position: found!.position,
      ...event,
      kind: 'PLACED',
      occurredAt: placement.order.createdAt,
      readAt: expect.any(Date),
      waitedMs: expect.any(Number),
      shard: await shardOf('MSFT'),
      order: { ...eventTermsOf(placement.order), id: placement.order.id },
      ending: null,
    })
  })

  test('gives the lowest positions first, up to its limit, placements and cancellations alike', async () => {
    const ids = await place('A', 'B', 'C')
    await cancel(ids[0]!)
    await place('A')
    const events = await look()
    expect(events.map(({ kind, order }) => `${kind} ${order.ticker}`)).toEqual([
      'PLACED A',
      'PLACED B',
      'PLACED C',
      'CANCELLED A',
      'PLACED A',
    ])
    const positions = events.map(({ position }) => position)
    expect(positions).toEqual(positions.toSorted((a, b) => Number(a - b)))
    expect((await look({ limit: 2 })).map(({ position }) => position)).toEqual(positions.slice(0, 2))
  })

  test('sees nothing that is not committed, and sees a lower position that is committed later', async () => {
    const slow = database.session()
    const late = aPlacement({ ticker: 'LATE' })
    await slow.unsafe('begin')
    await storeOrders(slow, [late])
    await place('SOON')
    expect(await tickersSeen()).toEqual(['SOON'])
    await slow.unsafe('commit')
    expect(await tickersSeen()).toEqual(['LATE', 'SOON'])
  })

  test('reads only shards that this replica holds a lease on at this moment', async () => {
    const tickers = Array.from({ length: 40 }, (_, i) => `T${i}`)
    await place(...tickers)
    const ours = [3, 5, 11]
    await sql`update relay_leases set holder = ${otherId} where shard <> all (${ours})`
    const expected: string[] = []
    for (const ticker of tickers) if (ours.includes(await shardOf(ticker))) expected.push(ticker)
    expect(expected.length).toBeGreaterThan(0)
    expect(await tickersSeen()).toEqual(expected)
    for (const { shard } of await look()) expect(ours).toContain(shard)

    await sql`update relay_leases set expires_at = now() - interval '1 millisecond' where holder = ${replicaId}`
    expect(await tickersSeen()).toEqual([])
    expect(await look({ replicaId: newId() })).toEqual([])
  })

  test('reads only the shards that it is asked for, though the lease says more', async () => {
    await place('AAPL', 'MSFT', 'IBM')
    const msft = await shardOf('MSFT')
    expect(await tickersSeen({ shards: everyShard.filter((shard) => shard !== msft) })).toEqual(['AAPL', 'IBM'])
    expect(await tickersSeen({ shards: [] })).toEqual([])
  })

  test('leaves out the tickers that are busy or set aside, or reads only those that are asked for', async () => {
    await place('A', 'B', 'C', 'A', 'B', 'C')
    expect(await tickersSeen({ except: ['A', 'C'] })).toEqual(['B', 'B'])
    expect(await tickersSeen({ only: ['C', 'A'] })).toEqual(['A', 'C', 'A', 'C'])
    expect(await tickersSeen({ only: ['A', 'B'], except: ['A'] })).toEqual(['B', 'B'])
    expect(await tickersSeen({ only: [] })).toEqual([])
  })

  test('reads above the floor only', async () => {
    await place('A', 'B', 'C')
    const [, b] = await look()
    expect(await tickersSeen({ floor: b!.position })).toEqual(['C'])
    expect(await tickersSeen({ floor: b!.position - 1n })).toEqual(['B', 'C'])
  })

  test('looks at the lowest positions only, however many wait', async () => {
    await sql`
      insert into outbox (event_id, kind, order_id, ticker, occurred_at)
      select gen_random_uuid(), 'PLACED', (select id from orders limit 1), 'T' || n % 100, now() from generate_series(1, 20000) n`
    await sql.unsafe('analyze outbox; analyze relay_leases')
    const pool = await createExplainer(database, 'keys')
    await pool.run((sql) =>
      readOutbox(sql, {
        replicaId,
        floor: 0n,
        shards: everyShard.filter((shard) => shard !== 3),
        except: ['T1'],
        only: null,
        limit: 100,
      }),
    )
    const [plan] = await pool.plans()
    expect(plan!.rowsScanned('outbox')).toBeLessThan(200)
    expect(plan!.rowsScanned('outbox')).toBeGreaterThanOrEqual(100)
  })
})

describe('deleteEvents', () => {
  test('deletes exactly these events, and not what was committed between them meanwhile', async () => {
    await place('A')
    const slow = database.session()
    const late = aPlacement({ ticker: 'LATE' })
    await slow.unsafe('begin')
    await storeOrders(slow, [late])
    await place('B', 'C')
    const [a, b, c] = await look()
    // Committed after the read and before the deletion: it stands among what was read, and nobody has sent it.
    await slow.unsafe('commit')
    await db.run((sql) => deleteEvents(sql, [c!, a!]))
    expect(await tickersSeen()).toEqual(['LATE', 'B'])
    await db.run((sql) => deleteEvents(sql, [b!]))
    expect(await tickersSeen()).toEqual(['LATE'])
  })

  test('leaves an event that has the position of another one', async () => {
    await place('A', 'B')
    const [a, b] = await look()
    await db.run((sql) => deleteEvents(sql, [{ ...a!, eventId: b!.eventId }]))
    expect(await tickersSeen()).toEqual(['A', 'B'])
  })

  test('does not mind what is gone already, nor an empty list', async () => {
    await place('A', 'B')
    const [a] = await look()
    await db.run((sql) => deleteEvents(sql, []))
    await db.run((sql) => deleteEvents(sql, [a!]))
    await db.run((sql) => deleteEvents(sql, [a!, { ...a!, position: 1_000_000_000n }]))
    expect(await tickersSeen()).toEqual(['B'])
  })

  test('is followed by a vacuum that takes no turn while another one runs', async () => {
    await place('A')
    await db.run(vacuumOutbox)
    const other = database.session()
    await other.unsafe('begin; lock table outbox in share update exclusive mode')
    await db.run(vacuumOutbox)
    await other.unsafe('rollback')
    expect(await tickersSeen()).toEqual(['A'])
  })

  test('leaves its connection as it was: whatever commits after it waits for the disk', async () => {
    await place('A')
    const session = await sql.reserve()
    const setting = async (): Promise<string> =>
      (await session`show synchronous_commit`)[0]!['synchronous_commit'] as string
    try {
      await session`set synchronous_commit = on`
      await deleteEvents(session, [(await look())[0]!])
      expect([await setting(), await look()]).toEqual(['on', []])
    } finally {
      session.release()
    }
  })
})

describe('deleteFreeEvents', () => {
  test('deletes exactly these events', async () => {
    await place('A', 'B', 'C')
    const [a, b, c] = await look()
    await db.run((sql) => deleteFreeEvents(sql, [c!, a!]))
    await db.run((sql) => deleteFreeEvents(sql, [{ ...b!, eventId: a!.eventId }]))
    await db.run((sql) => deleteFreeEvents(sql, []))
    expect(await tickersSeen()).toEqual(['B'])
  })

  test('waits for a locked row for a moment, however patient its pool is, and deletes none then', async () => {
    await place('A', 'B')
    const events = await look()
    const other = database.session()
    await other.unsafe(`begin; select from outbox where ticker = 'B' for update`)
    const patient = database.open({ plans: 'keys', connections: 1, lockTimeoutMs: 0, statementTimeoutMs: 3_000 })
    const failure = await failureOf(patient.run((sql) => deleteFreeEvents(sql, events)))
    expect(isLockTimeout(failure)).toBe(true)
    await other.unsafe('rollback')
    expect(await tickersSeen()).toEqual(['A', 'B'])
  })

  test('needs no right beyond that of deleting', async () => {
    await place('A', 'B')
    const session = database.session()
    await session.unsafe(`
      create role deleter_${database.name}; grant select, delete on outbox to deleter_${database.name};
      set role deleter_${database.name}`)
    await deleteFreeEvents(session, [(await look())[0]!])
    expect(await tickersSeen()).toEqual(['B'])
    await session.unsafe(`reset role; drop owned by deleter_${database.name}; drop role deleter_${database.name}`)
  })

  test('leaves its connection as it was', async () => {
    await place('A')
    const session = await sql.reserve()
    const settings = async () =>
      (await session`select current_setting('lock_timeout') as l, current_setting('synchronous_commit') as s`)[0]
    try {
      await session`set lock_timeout = 1234`
      await session`set synchronous_commit = on`
      await deleteFreeEvents(session, [(await look())[0]!])
      expect([await settings(), await look()]).toEqual([{ l: '1234ms', s: 'on' }, []])
    } finally {
      session.release()
    }
  })
})

describe('readBacklog', () => {
  const hourMs = 3_600_000
  const backlog = (changes: Partial<OutboxBound> = {}, floor = 0n) =>
    db.run((sql) => readBacklog(sql, { rowsMax: 9, ageMaxMs: 2 * hourMs, ...changes }, floor))

  test('is empty if nothing waits', async () => {
    expect(await backlog()).toEqual({ rows: 0, ageMs: 0, sendableAgeMs: 0, overdue: [] })
  })

  test('counts the rows that wait, but no further than it was told', async () => {
    await place('A', 'B', 'C', 'D', 'E')
    expect((await backlog()).rows).toBe(5)
    expect((await backlog({ rowsMax: 2 })).rows).toBe(3)
  })

  test('tells the age of the oldest by the clock of the database', async () => {
    await place('A', 'B')
    await sql`update outbox set written_at = now() - interval '10 hours' where ticker = 'A'`
    const { ageMs } = await backlog()
    expect(ageMs).toBeGreaterThanOrEqual(10 * hourMs)
    expect(ageMs).toBeLessThan(11 * hourMs)
  })

  test('counts above the floor, unless tickers are set aside, whose events stay below it', async () => {
    await place('A', 'B', 'C')
    const [, b] = await look()
    expect((await backlog({}, b!.position)).rows).toBe(1)
    await sql`update relay_leases set set_aside = '{A}' where shard = 0`
    expect((await backlog({}, b!.position)).rows).toBe(3)
  })

  test('tells what is set aside apart: it does not age the outbox, and is named once it waits too long', async () => {
    await place('BAD', 'GOOD', 'BAD', 'SLOW')
    await sql`update outbox set written_at = now() - interval '10 hours' where ticker = 'BAD'`
    await sql`update outbox set written_at = now() - interval '1 hour' where ticker <> 'BAD'`
    await sql`update relay_leases set set_aside = '{BAD}' where shard = 0`
    await sql`update relay_leases set set_aside = '{SLOW,ABSENT}' where shard = 5`
    const backlogRow = await backlog()
    expect(backlogRow).toMatchObject({ rows: 4, overdue: ['BAD'] })
    expect(backlogRow.ageMs).toBeGreaterThanOrEqual(10 * hourMs)
    expect(backlogRow.sendableAgeMs).toBeGreaterThanOrEqual(hourMs)
    expect(backlogRow.sendableAgeMs).toBeLessThan(2 * hourMs)
    await sql`update relay_leases set set_aside = '{GOOD}' where shard = 7`
    expect(await backlog()).toMatchObject({ rows: 4, sendableAgeMs: 0, overdue: ['BAD'] })
  })

  test('walks over no dead rows below the floor', async () => {
    await sql.unsafe('alter table outbox set (autovacuum_enabled = off)')
    await place(...Array.from({ length: 500 }, () => 'A'))
    const events = await look({ limit: 1_000 })
    const pool = await createExplainer(database)
    await pool.run((sql) => readBacklog(sql, { rowsMax: 1_000, ageMaxMs: 60_000 }, events[489]!.position))
    const [plan] = await pool.plans()
    expect(plan!.rowsScanned('outbox')).toBe(10)
    await sql.unsafe('alter table outbox reset (autovacuum_enabled)')
  })
})

describe('what the floor is made of', () => {
  const settling = (...except: string[]) => ({ floor: 0n, except, shards: everyShard })

  test('the last position counts those that are drawn but not committed', async () => {
    await place('A')
    const before = await db.run(readLastPosition)
    const slow = database.session()
    await slow.unsafe('begin')
    await storeOrders(slow, [aPlacement()])
    expect(await db.run(readLastPosition)).toBe(before + 1n)
    await slow.unsafe('rollback')
    expect(await db.run(readLastPosition)).toBe(before + 1n)
  })

  test('the last position of a new database is 0', async () => {
    const fresh = await createDatabase()
    expect(await fresh.open().run(readLastPosition)).toBe(0n)
    await fresh.drop()
  })

  test('the oldest transaction is the one that still holds a position', async () => {
    const slow = database.session()
    await slow.unsafe('begin')
    await storeOrders(slow, [aPlacement()])
    const [row] = await slow<{ xid: string }[]>`select pg_current_xact_id()::text as xid`
    const mark = await db.run(drawTransactionId)
    expect(mark).toBeGreaterThan(BigInt(row!.xid))
    // Of the whole server: an older one may be open in any database for a moment, and then nobody may pass it either.
    const oldest = async () => (await db.run((sql) => readSettled(sql, settling()))).oldestXid
    await until(async () => (await oldest()) === BigInt(row!.xid), { what: 'it is the oldest' })
    await slow.unsafe('commit')
    await until(async () => (await oldest()) > BigInt(row!.xid), { what: 'it is over' })
  })

  test('no position is drawn before the order is written, which gives the transaction its id', async () => {
    // A rival holds the key, so the order cannot be written yet. A position drawn now would belong to a transaction without
    // an id, and a mark that is taken now would not wait for it.
    const key = { userId: crypto.randomUUID(), clientOrderId: 'k' }
    const rival = database.session()
    await rival.unsafe('begin')
    await storeOrders(rival, [aPlacement(key)])
    const before = await db.run(readLastPosition)
    const placing = db.run((sql) => storeOrders(sql, [aPlacement(key)]))
    await untilBlocked(sql, 'with gate_lock')
    expect(await db.run(readLastPosition)).toBe(before)
    await rival.unsafe('rollback')
    expect((await placing).size).toBe(1)
    expect(await db.run(readLastPosition)).toBe(before + 1n)
  })

  test('the lowest position that waits leaves out the tickers set aside', async () => {
    expect((await db.run((sql) => readSettled(sql, settling()))).lowest).toBeNull()
    await place('A', 'B')
    const [a, b] = await look()
    expect((await db.run((sql) => readSettled(sql, settling()))).lowest).toBe(a!.position)
    expect((await db.run((sql) => readSettled(sql, settling('A')))).lowest).toBe(b!.position)
    expect((await db.run((sql) => readSettled(sql, settling('A', 'B')))).lowest).toBeNull()
  })
})
