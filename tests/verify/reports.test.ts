// Proves: every way in which a report of the engine can contradict its order is named, and nothing that the service wrote is.

import { expect, test } from 'bun:test'
import { applyTrades } from '../../src/app/fill.ts'
import { applyReports } from '../../src/app/report.ts'
import { createWaitingReports } from '../../src/app/waitingReports.ts'
import { amount, aPlacement, aReport, aTrade, newId } from '../support/builders.ts'
import { createDatabase, type TestDatabase } from '../support/database.ts'
import { quietLog } from '../support/quietLog.ts'
import { corrupt } from '../support/seed.ts'
import { placeAll } from '../support/storeOrders.ts'
import { verify } from './verified.ts'

const kinds = [
  'rejected',
  'canceled',
  'expired',
  'partial',
  'incomplete',
  'stale',
  'waiting',
  'mismatched',
  'surpassed',
  'stop',
] as const
type Ids = Record<(typeof kinds)[number], string>

/** One order for each thing that can become of a report. */
const populate = async (database: TestDatabase): Promise<Ids> => {
  const db = database.open()
  const placements = kinds.map((kind) =>
    aPlacement(kind === 'stop' ? { type: 'STOP', price: null, stopPrice: amount('200') } : {}),
  )
  const ids = Object.fromEntries(kinds.map((kind, i) => [kind, placements[i]!.order.id])) as Ids
  await placeAll(db, placements, () => undefined)
  const context = { now: () => new Date(), newId, signal: new AbortController().signal, onRetry: () => undefined }
  const fill = (id: string, quantity: string) => applyTrades(db, [aTrade({ buy: id, quantity })], context)
  await fill(ids.partial, '40')
  const reports = [
    aReport({ orderId: ids.rejected, reportId: 'r', kind: 'REJECTED' }),
    aReport({ orderId: ids.canceled, reportId: 'r', cumulative: '0' }),
    aReport({ orderId: ids.canceled, reportId: 'r', kind: 'EXPIRED' }),
    aReport({ orderId: ids.expired, reportId: 'r', kind: 'EXPIRED', cumulative: '0' }),
    aReport({ orderId: ids.partial, reportId: 'r', cumulative: '40' }),
    aReport({ orderId: ids.incomplete, reportId: 'r', cumulative: '70' }),
    aReport({ orderId: ids.stale, reportId: 'first', cumulative: '0' }),
    aReport({ orderId: ids.stale, reportId: 'second', kind: 'EXPIRED' }),
    aReport({ orderId: ids.mismatched, reportId: 'r', ticker: 'MSFT' }),
    aReport({ orderId: ids.surpassed, reportId: 'r', cumulative: '10' }),
    aReport({ orderId: ids.stop, reportId: 'r', cumulative: '0' }),
  ]
  await applyReports(db, reports, context)
  await fill(ids.surpassed, '20')
  await fill(ids.incomplete, '30')
  await database.sql`insert into tape_marks values ('trades', 0, clock_timestamp() + interval '1 hour')`
  const { now } = context
  const rest = { reads: db, db, tradeTopic: 'trades', waitMs: 1_000, now, newId, clock: () => 0, log: quietLog().log }
  const loop = createWaitingReports({ ...rest, onSettled: () => undefined, onCommitted: () => undefined })
  while (await loop.pass());
  await applyReports(db, [aReport({ orderId: ids.waiting, reportId: 'r', cumulative: '10' })], context)
  return ids
}

/** What is found of reports, and of orders in respect of them. */
const alone = async (statement: (ids: Ids) => string) => {
  await using database = await createDatabase()
  const ids = await populate(database)
  await corrupt(database.sql, statement(ids))
  const { violations } = await verify(database)
  const own = violations.filter(({ subject, rule }) => subject === 'report' || rule === 'report')
  return { ids, own: own.map(({ subject, id, rule, expected, found }) => [subject, id, rule, expected, found]) }
}

test('what the service wrote is clean, whatever became of a report', async () => {
  await using database = await createDatabase()
  await populate(database)
  const states = await database.sql<{ state: string }[]>`select state from ingested_reports order by state`
  expect(states.map(({ state }) => state)).toEqual([
    'APPLIED',
    'APPLIED',
    'APPLIED',
    'APPLIED',
    'APPLIED',
    'INCOMPLETE',
    'MISMATCH',
    'STALE',
    'WAITING',
  ])
  expect((await verify(database)).violations).toEqual([])
})

test('an applied report whose order did not end, or ended otherwise', async () => {
  const { ids, own } = await alone(
    (of) => `update orders set status = 'NEW', reason_code = null, reason_text = null where id = '${of.canceled}';
             update orders set status = 'CANCELED' where id = '${of.expired}'`,
  )
  expect(own).toEqual([
    ['order', ids.canceled, 'report', '1 that ended it', '1'],
    ['report', `${ids.canceled} r`, `status of order ${ids.canceled}`, 'CANCELED', 'NEW'],
    ['report', `${ids.expired} r`, `status of order ${ids.expired}`, 'EXPIRED', 'CANCELED'],
  ])
})

test('an end that names another record', async () => {
  const { ids, own } = await alone(
    (of) =>
      `update order_changes set cause = jsonb_set(cause, '{offset}', '"999999"') where order_id = '${of.rejected}'`,
  )
  expect(own).toMatchObject(
    [
      ['report', `${ids.rejected} r`, `change of order ${ids.rejected}`, /^REJECTED by order.report.v1-0-\d+$/, null],
    ].map((row) => row.map((cell) => (cell instanceof RegExp ? expect.stringMatching(cell) : cell))),
  )
})

test('a quantity at the end that is not what the report counts', async () => {
  const { ids, own } = await alone(
    (of) => `update ingested_reports set cumulative_quantity = 39 where order_id = '${of.partial}';
             update ingested_reports set cumulative_quantity = 30 where order_id = '${of.incomplete}'`,
  )
  expect(own).toEqual([
    ['report', `${ids.partial} r`, `quantity at the end of order ${ids.partial}`, '39', '40'],
    ['report', `${ids.incomplete} r`, `quantity at the end of order ${ids.incomplete}`, 'less than 30', '30'],
  ])
})

test('a stale report of an open order, and exceptions that are not listed', async () => {
  const { ids, own } = await alone(
    (of) => `update ingested_reports set state = 'STALE', settled_at = arrived_at where order_id = '${of.waiting}';
             delete from report_exceptions where order_id in ('${of.incomplete}', '${of.surpassed}')`,
  )
  expect(own).toEqual([
    ['report', `${ids.incomplete} r`, 'exception', 'INCOMPLETE', null],
    ['report', `${ids.waiting} r`, `status of order ${ids.waiting}`, 'final', 'NEW'],
    ['report', `${ids.surpassed} r`, 'exception', 'MISMATCH', null],
  ])
})

test('an order that the engine ended, by no report or by two', async () => {
  const { ids, own } = await alone(
    (of) => `delete from ingested_reports where order_id = '${of.rejected}';
             update ingested_reports set state = 'APPLIED' where order_id = '${of.stale}' and report_id = 'second'`,
  )
  expect(own.filter(([subject]) => subject === 'order')).toEqual([
    ['order', ids.rejected, 'report', '1 that ended it', '0'],
    ['order', ids.stale, 'report', '1 that ended it', '2'],
  ])
})
