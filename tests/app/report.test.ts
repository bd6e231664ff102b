// Proves: every report of the engine ends in one disposition and counts exactly once, whatever a rival writes between our read and our write;
// one that is early waits, over whatever happens to the process, for the fills that the engine made before it, and no longer than it may.

import { beforeEach, describe, expect, test } from 'bun:test'
import { applyTrades } from '../../src/app/fill.ts'
import { applyReports, type ReportContext, type ReportOutcome } from '../../src/app/report.ts'
import { createWaitingReports, type WaitingReportsOptions } from '../../src/app/waitingReports.ts'
import type { Order } from '../../src/domain/order.ts'
import { readOrders } from '../../src/store/orders.ts'
import type { ReceivedReport } from '../../src/store/reports.ts'
import type { Database } from '../../src/store/sql.ts'
import {
  amount,
  aPlacement,
  aReport,
  aTrade,
  newId,
  type anOrder,
  type ReportChanges,
  type TradeChanges,
} from '../support/builders.ts'
import { logOf } from '../support/logRows.ts'
import { ownDatabase, ownProxy } from '../support/ownDatabase.ts'
import { quietLog } from '../support/quietLog.ts'
import { storeOrders } from '../support/storeOrders.ts'
import { until } from '../support/until.ts'

const { database, sql, db } = await ownDatabase()
const { proxy, through } = await ownProxy(database)
const tradeTopic = 'trade.executed.v1'
const waitMs = 30_000

beforeEach(async () => {
  proxy.before(() => undefined)
  await sql`delete from tape_marks`
  // What the test before left waiting.
  await sql`update ingested_reports set state = 'STALE', settled_at = clock_timestamp() where settled_at is null`
})

const placed = async (changes: Parameters<typeof anOrder>[0] = {}): Promise<Order> => {
  const placement = aPlacement(changes)
  await db.run((sql) => storeOrders(sql, [placement]))
  return placement.order
}
const stored = async (id: string): Promise<Order> => (await db.run((sql) => readOrders(sql, [id])))[0]!
const historyOf = async (id: string): Promise<string[]> =>
  (await logOf(database))
    .filter(({ order }) => order === id)
    .toSorted((a, b) => a.version - b.version)
    .map(({ version, kind, reason, cumulative }) =>
      [version, kind, reason, cumulative].filter((each) => each !== null).join(' '),
    )
const statesOf = async (id: string): Promise<string[]> => {
  const rows = await sql<{ state: string }[]>`
    select report_id || ' ' || state as state from ingested_reports where order_id = ${id} order by report_id`
  return rows.map((row) => row.state)
}
const exceptionsOf = async (id: string): Promise<string[]> => {
  const rows = await sql<{ exception: string }[]>`
    select disposition || ': ' || reason as exception from report_exceptions where order_id = ${id} order by id`
  return rows.map((row) => row.exception)
}
const outboxOf = async (id: string): Promise<string[]> => {
  const rows = await sql<{ kind: string }[]>`select kind from outbox where order_id = ${id} order by position`
  return rows.map((row) => row.kind)
}

const common = { now: () => new Date(), newId }
const context = (): ReportContext => ({
  ...common,
  signal: new AbortController().signal,
  onRetry: () => undefined,
})
const apply = (reports: readonly ReceivedReport[], on: Database = db) => applyReports(on, reports, context())
const dispositions = (outcomes: readonly ReportOutcome[]): string[] =>
  outcomes
    .toSorted((a, b) => Number(a.received.source.offset - b.received.source.offset))
    .map(({ disposition }) => disposition)
const applied = async (...reports: ReportChanges[]): Promise<string[]> =>
  dispositions(await apply(reports.map((changes) => aReport(changes))))
const fill = (changes: TradeChanges) => applyTrades(db, [aTrade(changes)], context())

const createLoop = (on: Database = db, changes: Partial<WaitingReportsOptions> = {}) => {
  const settled: string[] = []
  const loop = createWaitingReports({
    ...common,
    reads: on,
    db: on,
    tradeTopic,
    waitMs,
    onSettled: ({ report }, { disposition, reason }) =>
      settled.push([report.reportId, disposition, reason].filter((each) => each !== null).join(' ')),
    onCommitted: () => undefined,
    clock: () => performance.now(),
    log: quietLog().log,
    ...changes,
  })
  return { loop, settled }
}
/** The results of passes until none has anything to do. */
const settle = async (): Promise<string[]> => {
  const { loop, settled } = createLoop()
  while (await loop.pass());
  return settled
}
/** Says that partition 0 of 1 of the trade topic was applied up to so many ms after now. */
const markAt = (afterMs: number, partition = 0) => sql`
  insert into tape_marks (topic, partition, read_until)
  values (${tradeTopic}, ${partition}, clock_timestamp() + ${afterMs}::float8 * interval '1 millisecond')
  on conflict (topic, partition) do update set read_until = excluded.read_until`

describe('a report is', () => {
  test.each([
    ['REJECTED', 'REJECTED', 'ENGINE_REJECTED'],
    ['CANCELED', 'CANCELED', 'ENGINE_CANCELED'],
    ['EXPIRED', 'EXPIRED', 'ENGINE_EXPIRED'],
  ] as const)(
    'APPLIED: %s ends a new order, with reason and history, and publishes nothing',
    async (kind, status, code) => {
      const { id } = await placed()
      expect(await applied({ orderId: id, reportId: 'r', kind, cumulative: '0', partition: 3, offset: 77n })).toEqual([
        'APPLIED',
      ])
      expect(await stored(id)).toMatchObject({ status, version: 1, reason: { code, text: 'no liquidity' } })
      expect(await historyOf(id)).toEqual(['0 ACCEPTED', `1 ${status} ${code} 0`])
      const [row] = await sql`select cause, reason_text from order_changes where order_id = ${id}`
      expect(row).toEqual({
        cause: { kind: 'report', topic: 'order.report.v1', partition: 3, offset: '77' },
        reason_text: 'no liquidity',
      })
      expect(await outboxOf(id)).toEqual(['PLACED'])
      expect(await statesOf(id)).toEqual(['r APPLIED'])
    },
  )

  test('APPLIED to an order with fills, once the ledger has what it counts: the fills are kept', async () => {
    const { id } = await placed()
    await fill({ buy: id, quantity: '40' })
    expect(await applied({ orderId: id, cumulative: '40' })).toEqual(['APPLIED'])
    expect(await stored(id)).toMatchObject({ status: 'CANCELED', filledQuantity: amount('40'), version: 2 })
    expect(await historyOf(id)).toEqual(['0 ACCEPTED', '1 FILLED 40', '2 CANCELED ENGINE_CANCELED 40'])
  })

  test('UNKNOWN_ORDER where there is no such order, or the id is no UUID', async () => {
    expect(await applied({ orderId: newId() }, { orderId: 'somebody-else' }, { orderId: '' })).toEqual([
      'UNKNOWN_ORDER',
      'UNKNOWN_ORDER',
      'UNKNOWN_ORDER',
    ])
  })

  test('DUPLICATE where it was taken with the same content, whatever it says beside', async () => {
    const { id } = await placed()
    const twice = { orderId: id, reportId: 'r', cumulative: '0' }
    expect(await applied(twice, { ...twice, reason: null })).toEqual(['APPLIED', 'DUPLICATE'])
    expect(await applied({ ...twice, reportedAt: '2027-01-01T00:00:00.000000Z' })).toEqual(['DUPLICATE'])
    expect(await stored(id)).toMatchObject({ version: 1, reason: { text: 'no liquidity' } })
  })

  test('CONFLICT where it was taken with other content: the first stands', async () => {
    const { id } = await placed()
    expect(await applied({ orderId: id, reportId: 'r', cumulative: '0' })).toEqual(['APPLIED'])
    const other = { orderId: id, reportId: 'r', kind: 'EXPIRED', cumulative: '0' } as const
    expect(await applied(other, other)).toEqual(['CONFLICT', 'DUPLICATE'])
    expect(await applied(other)).toEqual(['DUPLICATE'])
    expect(await stored(id)).toMatchObject({ status: 'CANCELED', version: 1 })
    expect(await exceptionsOf(id)).toEqual(['CONFLICT: a report with this id and other content was taken before'])
  })

  test('MISMATCH where it cannot be about this order; kept with the whole message, once', async () => {
    const { id } = await placed()
    const report = aReport({ orderId: id, ticker: 'MSFT', partition: 2, offset: 9n })
    const [first] = await apply([report])
    expect(first).toMatchObject({ disposition: 'MISMATCH', fresh: true })
    const [row] = await sql`select * from report_exceptions where order_id = ${id}`
    expect(row).toMatchObject({
      disposition: 'MISMATCH',
      report_id: report.report.reportId,
      ticker: 'MSFT',
      cumulative_quantity: null,
      kafka_topic: 'order.report.v1',
      kafka_partition: 2,
      kafka_offset: '9',
    })
    expect(Buffer.from(row!['message']).equals(Buffer.from(report.message))).toBe(true)
    expect(Buffer.from(row!['message_key']).toString()).toBe('MSFT')
    const [second] = await apply([report])
    expect(second).toMatchObject({ disposition: 'DUPLICATE', fresh: false })
    expect(await stored(id)).toMatchObject({ status: 'NEW', version: 0 })
  })

  test('MISMATCH: REJECTED after a fill, and fewer fills than there are', async () => {
    const { id } = await placed()
    await fill({ buy: id, quantity: '40' })
    expect(await applied({ orderId: id, kind: 'REJECTED' }, { orderId: id, cumulative: '39' })).toEqual([
      'MISMATCH',
      'MISMATCH',
    ])
    expect(await stored(id)).toMatchObject({ status: 'PARTIALLY_FILLED', version: 1 })
  })

  test('MISMATCH of a stop that waits, and of an order that a rule refused', async () => {
    const stop = await placed({ type: 'STOP', price: null, stopPrice: amount('200') })
    const refused = aPlacement()
    const order: Order = { ...refused.order, status: 'REJECTED', reason: { code: 'HALTED', text: null } }
    await db.run((sql) => storeOrders(sql, [{ ...refused, order }]))
    expect(await applied({ orderId: stop.id, cumulative: '0' }, { orderId: order.id, kind: 'REJECTED' })).toEqual([
      'MISMATCH',
      'MISMATCH',
    ])
    expect(await exceptionsOf(stop.id)).toEqual(['MISMATCH: the order was never published'])
  })

  test.each(['FILLED', 'CANCELED', 'EXPIRED'] as const)('STALE where the order is %s already', async (status) => {
    const { id } = await placed()
    if (status === 'FILLED') await fill({ buy: id, quantity: '100' })
    else await sql`update orders set status = ${status}, version = 1 where id = ${id}`
    const before = await stored(id)
    expect(await applied({ orderId: id, reportId: 'r', cumulative: '100' })).toEqual(['STALE'])
    expect(await stored(id)).toEqual(before)
    expect(await statesOf(id)).toEqual(['r STALE'])
  })

  test('MALFORMED where Postgres cannot store it, and its neighbours are applied all the same', async () => {
    const orders = await Promise.all(Array.from({ length: 8 }, () => placed()))
    const reports = orders.map(({ id }, i) =>
      aReport({ orderId: id, cumulative: '0', reportId: i === 5 ? 'a\0b' : 'fine' }),
    )
    const outcomes = await apply(reports)
    expect(dispositions(outcomes)).toEqual(orders.map((_, i) => (i === 5 ? 'MALFORMED' : 'APPLIED')))
    expect(outcomes.find(({ disposition }) => disposition === 'MALFORMED')!.reason).toContain('could not be stored')
  })
})

describe('a report that is early', () => {
  test('waits for the fills it counts: its order ends once the last of them is in the ledger', async () => {
    const { id } = await placed()
    expect(await applied({ orderId: id, reportId: 'r', cumulative: '70' })).toEqual(['WAITING'])
    await fill({ buy: id, quantity: '40' })
    expect(await settle()).toEqual([])
    expect(await stored(id)).toMatchObject({ status: 'PARTIALLY_FILLED' })
    await fill({ buy: id, quantity: '30' })
    expect(await settle()).toEqual(['r APPLIED'])
    expect(await stored(id)).toMatchObject({ status: 'CANCELED', filledQuantity: amount('70'), version: 3 })
    expect(await historyOf(id)).toEqual(['0 ACCEPTED', '1 FILLED 40', '2 FILLED 70', '3 CANCELED ENGINE_CANCELED 70'])
    expect(await statesOf(id)).toEqual(['r APPLIED'])
    const [late] = await sql`select count(*)::integer as late from ingested_fills where order_id = ${id} and late`
    expect(late!['late']).toBe(0)
  })

  test('without a quantity waits until every partition was applied up to its arrival', async () => {
    const { id } = await placed()
    expect(await applied({ orderId: id, reportId: 'r', kind: 'EXPIRED' })).toEqual(['WAITING'])
    expect(await settle()).toEqual([])
    await markAt(1)
    await sql`insert into tape_marks (topic, partition, read_until) values (${tradeTopic}, 1, '-infinity'), ('other', 0, '-infinity')`
    expect(await settle()).toEqual([])
    await markAt(1, 1)
    expect(await settle()).toEqual(['r APPLIED'])
    expect(await stored(id)).toMatchObject({ status: 'EXPIRED', reason: { code: 'ENGINE_EXPIRED' } })
  })

  test('with a quantity is no longer held up by what the trade topic had at its arrival', async () => {
    const { id } = await placed()
    expect(await applied({ orderId: id, reportId: 'r', cumulative: '70' })).toEqual(['WAITING'])
    await markAt(waitMs - 2_000)
    expect(await settle()).toEqual([])
    expect(await stored(id)).toMatchObject({ status: 'NEW' })
  })

  test('past the limit ends its order all the same, as INCOMPLETE, with the whole message', async () => {
    const { id } = await placed()
    const report = aReport({ orderId: id, reportId: 'r', cumulative: '70', partition: 4, offset: 12n })
    await apply([report])
    await fill({ buy: id, quantity: '40' })
    await markAt(waitMs + 1_000)
    expect(await settle()).toEqual(['r INCOMPLETE fills that the report counts have not come'])
    expect(await stored(id)).toMatchObject({ status: 'CANCELED', filledQuantity: amount('40'), version: 2 })
    expect(await statesOf(id)).toEqual(['r INCOMPLETE'])
    const [row] = await sql`select * from report_exceptions where order_id = ${id}`
    expect(row).toMatchObject({ disposition: 'INCOMPLETE', kafka_partition: 4, kafka_offset: '12' })
    expect(row!['cumulative_quantity']).toBe('70.00000000')
    expect(Buffer.from(row!['message']).equals(Buffer.from(report.message))).toBe(true)
    expect(await applied({ orderId: id, reportId: 'r', cumulative: '70' })).toEqual(['DUPLICATE'])
    const [outcome] = await applyTrades(db, [aTrade({ buy: id, quantity: '30' })], context())
    expect(outcome!.disposition).toBe('LATE')
  })

  test('comes again while it waits: a duplicate, and it waits on', async () => {
    const { id } = await placed()
    const twice = { orderId: id, reportId: 'r', cumulative: '70' }
    expect(await applied(twice, twice)).toEqual(['WAITING', 'DUPLICATE'])
    expect(await statesOf(id)).toEqual(['r WAITING'])
  })

  test('is STALE if its order ends otherwise meanwhile: filled, canceled here, or by another report', async () => {
    const [filled, canceled, other] = [await placed(), await placed(), await placed()]
    for (const { id } of [filled, canceled, other]) await applied({ orderId: id, reportId: 'r', cumulative: '70' })
    await fill({ buy: filled.id, quantity: '100' })
    await sql`update orders set status = 'CANCELED', version = 1 where id = ${canceled.id}`
    await fill({ buy: other.id, quantity: '20' })
    expect(await applied({ orderId: other.id, reportId: 's', kind: 'EXPIRED', cumulative: '20' })).toEqual(['APPLIED'])
    expect(await settle()).toEqual(['r STALE', 'r STALE', 'r STALE'])
    expect(await stored(filled.id)).toMatchObject({ status: 'FILLED', version: 1, reason: null })
    expect(await statesOf(other.id)).toEqual(['r STALE', 's APPLIED'])
  })

  test('is a MISMATCH if more is filled than it counts: the order stays open', async () => {
    const { id } = await placed()
    await applied({ orderId: id, reportId: 'r', cumulative: '30' })
    await fill({ buy: id, quantity: '40' })
    expect(await settle()).toEqual(['r MISMATCH more of the order is filled than the report says'])
    expect(await stored(id)).toMatchObject({ status: 'PARTIALLY_FILLED', version: 1 })
    expect(await exceptionsOf(id)).toEqual(['MISMATCH: more of the order is filled than the report says'])
    expect(await statesOf(id)).toEqual(['r MISMATCH'])
  })

  test('two that wait for one order: the first ends it, the second is stale', async () => {
    const { id } = await placed()
    await applied({ orderId: id, reportId: 'a', cumulative: '70' })
    await applied({ orderId: id, reportId: 'b', kind: 'EXPIRED', cumulative: '70' })
    await fill({ buy: id, quantity: '70' })
    expect(await settle()).toEqual(['a APPLIED', 'b STALE'])
    expect(await stored(id)).toMatchObject({ status: 'CANCELED', version: 2 })
  })
})

describe('the loop', () => {
  test('settles what another process left behind, and looks again when a report begins to wait', async () => {
    const { id } = await placed()
    await applied({ orderId: id, reportId: 'r', cumulative: '10' })
    const { loop, settled } = createLoop()
    const stopping = new AbortController()
    const running = loop.run(stopping.signal)
    await until(() => loop.state().reports === 1, { what: 'the loop sees the report' })
    await fill({ buy: id, quantity: '10' })
    await until(() => settled.length === 1, { what: 'the report is settled' })
    await until(() => loop.state().reports === 0, { what: 'none waits' })
    const next = await placed()
    await applied({ orderId: next.id, reportId: 's', cumulative: '10' })
    loop.ring()
    await until(() => loop.state().reports === 1, { what: 'the loop sees the next one', deadlineMs: 3_000 })
    await sql`update orders set status = 'CANCELED', version = 1 where id = ${next.id}`
    await until(() => settled.length === 2, { what: 'the next one is settled' })
    expect(settled).toEqual(['r APPLIED', 's STALE'])
    stopping.abort()
    await running
  })

  test('of several replicas settles each report once', async () => {
    const orders = await Promise.all(Array.from({ length: 40 }, () => placed()))
    await apply(orders.map(({ id }) => aReport({ orderId: id, reportId: 'r', cumulative: '10' })))
    await applyTrades(
      db,
      orders.map(({ id }) => aTrade({ buy: id, quantity: '10' })),
      context(),
    )
    const replicas = [createLoop(), createLoop(database.open()), createLoop(database.open())]
    await Promise.all(
      replicas.map(async ({ loop }) => {
        for (let passes = 0; passes < 20; passes++) await loop.pass()
      }),
    )
    expect(replicas.flatMap(({ settled }) => settled)).toEqual(orders.map(() => 'r APPLIED'))
    for (const { id } of orders)
      expect(await historyOf(id)).toEqual(['0 ACCEPTED', '1 FILLED 10', '2 CANCELED ENGINE_CANCELED 10'])
  })

  test('says why it cannot work, and goes on once it can', async () => {
    let isAway = true
    const { loop } = createLoop({ ...db, run: (work) => (isAway ? Promise.reject(new Error('away')) : db.run(work)) })
    const stopping = new AbortController()
    const running = loop.run(stopping.signal)
    await until(() => loop.state().obstacle === 'away', { what: 'it says why' })
    isAway = false
    await until(() => loop.state().obstacle === null, { what: 'it goes on' })
    stopping.abort()
    await running
  })
})

describe('between what was read and what is written', () => {
  /** Lets `rival` act before the n-th statement of ours, and gives what becomes of the reports. */
  const interrupted = async (n: number, rival: () => Promise<unknown>, reports: readonly ReceivedReport[]) => {
    let statements = 0
    await through.run((sql) => sql`select 1`)
    proxy.before(async () => {
      if (++statements === n) await rival()
    })
    return dispositions(await apply(reports, through))
  }

  // Statement 1 reads, statement 2 writes; a third one decides again.
  for (const n of [1, 2, 3]) {
    test(`a rival fills the order: the report meets the fill (moment ${n})`, async () => {
      const { id } = await placed()
      const report = aReport({ orderId: id, reportId: 'r', cumulative: '10' })
      expect(await interrupted(n, () => fill({ buy: id, quantity: '10' }), [report])).toEqual([
        n <= 2 ? 'APPLIED' : 'WAITING',
      ])
      if (n > 2) await fill({ buy: id, quantity: '10' })
      await settle()
      expect(await stored(id)).toMatchObject({ status: 'CANCELED', version: 2, filledQuantity: amount('10') })
    })

    test(`a rival takes the very same report: it counts once (moment ${n})`, async () => {
      const { id } = await placed()
      const report = aReport({ orderId: id, reportId: 'r', cumulative: '10' })
      expect(await interrupted(n, () => apply([report]), [report])).toEqual([n <= 2 ? 'DUPLICATE' : 'WAITING'])
      expect(await statesOf(id)).toEqual(['r WAITING'])
    })

    test(`a rival keeps the same report as an exception: it is kept once (moment ${n})`, async () => {
      const { id } = await placed()
      const report = aReport({ orderId: id, ticker: 'MSFT' })
      expect(await interrupted(n, () => apply([report]), [report])).toEqual([n <= 2 ? 'DUPLICATE' : 'MISMATCH'])
      expect(await exceptionsOf(id)).toHaveLength(1)
    })

    test(`a rival cancels the order: it ends once (moment ${n})`, async () => {
      const { id } = await placed()
      const cancel = async () =>
        sql`update orders set status = 'CANCELED', version = version + 1 where id = ${id} and open`
      const report = aReport({ orderId: id, cumulative: '0' })
      expect(await interrupted(n, cancel, [report])).toEqual([n <= 2 ? 'STALE' : 'APPLIED'])
      expect(await stored(id)).toMatchObject({ status: 'CANCELED', version: 1 })
    })
  }

  test('a row that somebody holds is left, and decided again once it is free', async () => {
    const [held, free] = [await placed(), await placed()]
    const holding = sql`select pg_sleep(0.6) from (select from orders where id = ${held.id} for update) o`.execute()
    await until(async () => (await sql`select from pg_stat_activity where wait_event = 'PgSleep'`).length > 0, {
      what: 'the row is held',
    })
    expect(await applied({ orderId: held.id, cumulative: '0' }, { orderId: free.id, cumulative: '0' })).toEqual([
      'APPLIED',
      'APPLIED',
    ])
    await holding
  })
})
