// Proves: the floor rises to what was published and never above an event that still waits or may yet commit, whoever begins,
// commits or rolls back meanwhile.

import { beforeEach, describe, expect, test } from 'bun:test'
import { createFloor, type FloorView } from '../../src/relay/floor.ts'
import { deleteEvents, readOutbox, shardCount } from '../../src/store/outbox.ts'
import type { Database, Sql } from '../../src/store/sql.ts'
import { aPlacement } from '../support/builders.ts'
import { ownDatabase } from '../support/ownDatabase.ts'
import { storeOrders } from '../support/storeOrders.ts'
import { until } from '../support/until.ts'

const replicaId = '00000000-0000-4000-8000-000000000001'

const { database, sql, db } = await ownDatabase()
await sql`update relay_leases set holder = ${replicaId}, expires_at = 'infinity'`

beforeEach(async () => {
  await sql`delete from outbox`
})

const everyShard = Array.from({ length: shardCount }, (_, shard) => shard)
/** The view of a replica that holds every shard. */
const ours = (...except: string[]): FloorView => ({ except, shards: everyShard })

const place = (...tickers: string[]) =>
  db.run((sql) =>
    storeOrders(
      sql,
      tickers.map((ticker) => aPlacement({ ticker })),
    ),
  )
const lookAbove = (floor: bigint) =>
  db.run((sql) => readOutbox(sql, { replicaId, floor, shards: everyShard, except: [], only: null, limit: 1_000 }))
const tickersAbove = async (floor: bigint) => (await lookAbove(floor)).map(({ order }) => order.ticker)
/** What a relay does with everything it sees above its floor. */
const publishAbove = async (floor: bigint): Promise<string[]> => {
  const events = await lookAbove(floor)
  await db.run((sql) => deleteEvents(sql, events))
  return events.map(({ order }) => order.ticker)
}
/** A replica that has stored an order, position drawn, and does not come to commit. */
const slowly = async (ticker: string): Promise<Sql> => {
  const session = database.session()
  await session.unsafe('begin')
  await storeOrders(session, [aPlacement({ ticker })])
  return session
}
const lastPosition = async (): Promise<bigint> => {
  const [row] = await sql<{ last: string }[]>`select coalesce(max(last_value), 0) as last from outbox_position_seq`
  return BigInt(row!.last)
}

/**
 * Ids of transactions are the whole server's: what is open in any database for a moment, as the vacuum's, holds the floor up for
 * that moment too.
 */
const rises = (floor: ReturnType<typeof createFloor>): Promise<boolean> =>
  until(
    async () => {
      await floor.refresh(ours())
      return floor.current() === (await lastPosition())
    },
    { what: 'the floor rises to the last position' },
  )

let clockMs = 0
const nowMs = (): number => clockMs

describe('the floor', () => {
  test('starts on the ground, and rises to what was published', async () => {
    const floor = createFloor(db, nowMs)
    expect(floor.current()).toBe(0n)
    await place('A', 'B')
    await floor.refresh(ours())
    await publishAbove(floor.current())
    await rises(floor)
  })

  test('finds an event that a crash brought back below it, and stands under it until it is published', async () => {
    const floor = createFloor(db, nowMs)
    await place('BACK', 'A')
    await sql`create table deleted as select * from outbox where ticker = 'BACK'`
    await publishAbove(floor.current())
    await rises(floor)
    await sql`insert into outbox overriding system value select * from deleted`
    clockMs += 29_999
    await floor.refresh(ours())
    expect(await tickersAbove(floor.current())).toEqual([])
    clockMs += 1
    await floor.refresh(ours())
    expect(await tickersAbove(floor.current())).toEqual(['BACK'])
    await publishAbove(floor.current())
    await rises(floor)
  })

  test('at the last position it asks for that alone, until another one is drawn', async () => {
    const floor = createFloor(db, nowMs)
    await place('A')
    await publishAbove(floor.current())
    await rises(floor)
    expect(await floor.refresh(ours())).toBe(false)
    await place('B')
    expect(await floor.refresh(ours())).toBe(true)
    expect(await tickersAbove(floor.current())).toEqual(['B'])
    await publishAbove(floor.current())
    await rises(floor)
    expect(await floor.refresh(ours())).toBe(false)
    // What a crash brought back is below.
    clockMs += 30_000
    expect(await floor.refresh(ours())).toBe(true)
  })

  test('stays below what waits', async () => {
    const floor = createFloor(db, nowMs)
    await place('A', 'B')
    await floor.refresh(ours())
    await floor.refresh(ours())
    expect(await tickersAbove(floor.current())).toEqual(['A', 'B'])
  })

  test('stays below a position that is drawn and not committed, however many higher ones are published', async () => {
    const floor = createFloor(db, nowMs)
    const slow = await slowly('LATE')
    for (let round = 0; round < 5; round++) {
      await place('SOON', 'SOON')
      await publishAbove(floor.current())
      await floor.refresh(ours())
    }
    await slow.unsafe('commit')
    expect(await tickersAbove(floor.current())).toEqual(['LATE'])
    await publishAbove(floor.current())
    await rises(floor)
  })

  test('waits for no transaction that is rolled back', async () => {
    const floor = createFloor(db, nowMs)
    const slow = await slowly('NEVER')
    await floor.refresh(ours())
    await slow.unsafe('rollback')
    await rises(floor)
  })

  test('does not step over a transaction that begins between any two of its statements', async () => {
    // Whatever the floor asks, in whatever order: just before its first, second, third, … statement somebody draws a position.
    for (let moment = 1; moment <= 6; moment++) {
      await sql`delete from outbox`
      let statements = 0
      let slow: Sql | null = null
      const interrupted: Database = {
        ...db,
        async run(statement) {
          if (++statements === moment) slow = await slowly('LATE')
          return db.run(statement)
        },
      }
      const floor = createFloor(interrupted, nowMs)
      for (let round = 0; round < 6; round++) {
        await place('SOON')
        await publishAbove(floor.current())
        await floor.refresh(ours())
      }
      expect(slow).not.toBeNull()
      await slow!.unsafe('commit')
      expect(await tickersAbove(floor.current())).toContain('LATE')
    }
  })

  test('passes over the tickers that are set aside, and comes back to the ground for them', async () => {
    const floor = createFloor(db, nowMs)
    await place('ASIDE', 'A')
    await until(
      async () => {
        await floor.refresh(ours('ASIDE'))
        return (await tickersAbove(floor.current())).join() === 'A'
      },
      { what: 'the floor passes over what is set aside' },
    )
    floor.reset()
    expect(floor.current()).toBe(0n)
    expect(await tickersAbove(floor.current())).toEqual(['ASIDE', 'A'])
    await floor.refresh(ours())
    expect(await tickersAbove(floor.current())).toEqual(['ASIDE', 'A'])
  })

  test('passes over what other replicas have set aside, not over what they set aside of our shards', async () => {
    await place('THEIRS', 'A')
    await sql`update relay_leases set set_aside = '{THEIRS}' where shard = hashtext('THEIRS') & 15`
    const [row] = await sql<{ shard: number }[]>`select hashtext('THEIRS') & 15 as shard`
    const floor = createFloor(db, nowMs)
    // Ours by what we know: that somebody held it meanwhile, and set the ticker aside, is no reason to pass over it.
    for (let round = 0; round < 3; round++) await floor.refresh(ours())
    expect(await tickersAbove(floor.current())).toEqual(['THEIRS', 'A'])
    const others = { except: [], shards: everyShard.filter((shard) => shard !== row!.shard) }
    await until(
      async () => {
        await floor.refresh(others)
        return (await tickersAbove(floor.current())).join() === 'A'
      },
      { what: 'the floor passes over what another has set aside' },
    )
    await sql`update relay_leases set set_aside = '{}'`
  })

  test('is not raised by a refresh that was under way when it was reset', async () => {
    await place('ASIDE')
    const { promise: answer, resolve: letAnswer } = Promise.withResolvers<void>()
    let holding = false
    const slowDb: Database = {
      ...db,
      async run(statement) {
        const result = await db.run(statement)
        if (holding) await answer
        return result
      },
    }
    const floor = createFloor(slowDb, nowMs)
    await floor.refresh(ours('ASIDE'))
    holding = true
    const refreshing = floor.refresh(ours('ASIDE'))
    floor.reset()
    letAnswer()
    await refreshing
    expect(await tickersAbove(floor.current())).toEqual(['ASIDE'])
  })
})

test('under concurrent commits of random length no event stays below the floor for good', async () => {
  const floor = createFloor(db, nowMs)
  const published: string[] = []
  const written = new AbortController()
  const sessions = Array.from({ length: 6 }, () => database.session())
  const write = async (session: Sql, who: number): Promise<string[]> => {
    const placed: string[] = []
    for (let i = 0; i < 25; i++) {
      const placement = aPlacement({ ticker: `W${who}` })
      await session.unsafe('begin')
      await storeOrders(session, [placement])
      await Bun.sleep(Math.random() * 20)
      await session.unsafe('commit')
      placed.push(placement.order.id)
    }
    return placed
  }
  const publish = async (): Promise<void> => {
    while (!written.signal.aborted) {
      const events = await lookAbove(floor.current())
      published.push(...events.map(({ order }) => order.id))
      await db.run((sql) => deleteEvents(sql, events))
    }
  }
  const raise = async (): Promise<void> => {
    while (!written.signal.aborted) await floor.refresh(ours())
  }
  const loops = [publish(), raise()]
  const placed = (await Promise.all(sessions.map(write))).flat()
  written.abort()
  await Promise.all(loops)
  await floor.refresh(ours())
  const rest = await lookAbove(floor.current())
  expect([...published, ...rest.map(({ order }) => order.id)].toSorted()).toEqual(placed.toSorted())
  await until(() => floor.refresh(ours()).then(() => floor.current() > 0n), { what: 'the floor rises' })
})
