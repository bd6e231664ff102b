// Proves: the database itself keeps reports of the engine, their settlement and their exceptions as they are, whatever SQL comes.

import { expect, test } from 'bun:test'
import { aPlacement, newId } from '../support/builders.ts'
import { ownDatabase } from '../support/ownDatabase.ts'
import { storeOrders } from '../support/storeOrders.ts'
import { failureOf } from '../support/waiting.ts'

const { sql, db } = await ownDatabase()
const violation = '23514'

const refused = async (statement: PromiseLike<unknown>, code = violation): Promise<void> =>
  expect(await failureOf(statement)).toMatchObject({ code })

const placed = async (): Promise<string> => {
  const placement = aPlacement()
  await db.run((some) => storeOrders(some, [placement]))
  return placement.order.id
}

const insertReport = async (orderId: string, changes: Record<string, unknown> = {}) => {
  const row = {
    order_id: orderId,
    report_id: 'r',
    kind: 'CANCELED',
    ticker: 'AAPL',
    cumulative_quantity: '10',
    reported_at: '2026-01-02T03:04:05Z',
    state: 'WAITING',
    arrived_at: '2026-01-02T03:04:06Z',
    settled_at: null,
    kafka_topic: 'order.report.v1',
    kafka_partition: 0,
    kafka_offset: 1,
    message: Buffer.from('{}'),
    ...changes,
  }
  await sql`insert into ingested_reports ${sql(row)}`
}

const insertException = async (orderId: string, changes: Record<string, unknown> = {}): Promise<string> => {
  const id = newId()
  const row = {
    id,
    disposition: 'MISMATCH',
    reason: 'a reason',
    order_id: orderId,
    report_id: 'r',
    kind: 'CANCELED',
    ticker: 'MSFT',
    cumulative_quantity: null,
    reported_at: '2026-01-02T03:04:05Z',
    kafka_topic: 'order.report.v1',
    kafka_partition: 0,
    kafka_offset: 1,
    message: Buffer.from('{}'),
    recorded_at: '2026-01-02T03:04:06Z',
    ...changes,
  }
  await sql`insert into report_exceptions ${sql(row)}`
  return id
}

test.each([
  ['a kind that is none', { kind: 'FILLED' }],
  ['a state that is none', { state: 'LOST', settled_at: '2026-01-02T03:04:07Z' }],
  ['a settled report that waits', { settled_at: '2026-01-02T03:04:07Z' }],
  ['a report that is settled at no time', { state: 'APPLIED' }],
  ['a quantity below 0', { cumulative_quantity: '-1' }],
  ['a quantity that is no number', { cumulative_quantity: 'NaN' }],
  ['a report that waits without its message', { message: null }],
])('refuses %s', async (_, changes) => {
  const id = await placed()
  await refused(insertReport(id, changes))
  await insertReport(id)
})

test('takes a report once, and of orders that are here', async () => {
  const id = await placed()
  await insertReport(id)
  await refused(insertReport(id, { kind: 'EXPIRED' }), '23505')
  await refused(insertReport(newId()), '23503')
})

test('settles a report once, and changes nothing else of it', async () => {
  const id = await placed()
  await insertReport(id)
  for (const change of [
    sql`update ingested_reports set kind = 'EXPIRED' where order_id = ${id}`,
    sql`update ingested_reports set cumulative_quantity = null where order_id = ${id}`,
    sql`update ingested_reports set kafka_offset = 2 where order_id = ${id}`,
    sql`update ingested_reports set kafka_topic = 'x' where order_id = ${id}`,
    sql`update ingested_reports set message = 'x' where order_id = ${id}`,
    sql`update ingested_reports set arrived_at = now() where order_id = ${id}`,
    sql`delete from ingested_reports where order_id = ${id}`,
    sql`truncate ingested_reports`,
  ])
    await refused(change)
  await sql`update ingested_reports set state = 'STALE', settled_at = now() where order_id = ${id}`
  await refused(sql`update ingested_reports set state = 'APPLIED' where order_id = ${id}`)
  await refused(sql`update ingested_reports set state = 'WAITING', settled_at = null where order_id = ${id}`)
})

test('keeps exceptions of reports as they are, each content once', async () => {
  const id = await placed()
  const exception = await insertException(id)
  await refused(insertException(id), '23505')
  await insertException(id, { disposition: 'CONFLICT' })
  await insertException(id, { cumulative_quantity: '0' })
  await refused(insertException(id, { disposition: 'STALE' }))
  await sql`insert into report_exception_resolutions values (${exception}, 'ops', 'done', now())`
  for (const change of [
    sql`update report_exceptions set reason = 'x' where id = ${exception}`,
    sql`delete from report_exceptions where id = ${exception}`,
    sql`truncate report_exceptions cascade`,
    sql`update report_exception_resolutions set note = 'x' where exception_id = ${exception}`,
    sql`delete from report_exception_resolutions where exception_id = ${exception}`,
    sql`truncate report_exception_resolutions`,
  ])
    await refused(change)
})
