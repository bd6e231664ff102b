// Proves: whatever fails while one report is handled is that message's fault: it becomes a dead letter with the reason, and the others of
// its batch have their dispositions. Each outcome is counted and said once.

import { beforeEach, expect, test } from 'bun:test'
import type { RawMessage } from '../../../src/kafka/client.ts'
import type { DeadLetter } from '../../../src/kafka/inbound/deadLetters.ts'
import { createReportHandler, type ReportBatchOptions } from '../../../src/kafka/reports/batch.ts'
import { aPlacement, newId } from '../../support/builders.ts'
import { ownDatabase } from '../../support/ownDatabase.ts'
import { quietLog } from '../../support/quietLog.ts'
import { storeOrders } from '../../support/storeOrders.ts'
import { until } from '../../support/until.ts'

const { database, sql, db } = await ownDatabase()

let offset = 0
const messageOf = (value: string | null, changes: Partial<RawMessage> = {}): RawMessage => ({
  topic: 'order.report.v1',
  partition: offset % 2,
  offset: BigInt(offset++),
  timestamp: 1_000n,
  key: Buffer.from('AAPL'),
  value: value === null ? null : Buffer.from(value),
  headers: new Map(),
  leaderEpoch: 0,
  unreadable: null,
  ...changes,
})
const report = (orderId: string, changes: Record<string, unknown> = {}): string =>
  JSON.stringify({
    reportId: 'r',
    orderId,
    ticker: 'AAPL',
    kind: 'CANCELED',
    cumulativeQuantity: 0,
    timestamp: '2026-01-02T03:04:05Z',
    ...changes,
  })

let counted: string[] = []
let exceptions: string[] = []
let waits = 0
beforeEach(() => {
  counted = []
  exceptions = []
  waits = 0
})

const handle = async (messages: readonly RawMessage[], changes: Partial<ReportBatchOptions> = {}) => {
  const { log, lines } = quietLog()
  const handler = createReportHandler({
    db,
    unknownToDeadLetters: true,
    onDisposition: (disposition) => counted.push(disposition),
    onException: (disposition) => exceptions.push(disposition),
    onWaiting: () => waits++,
    log,
    now: () => new Date(),
    newId,
    ...changes,
  })
  const letters = [...(await handler(messages, new AbortController().signal)).values()].flat()
  return {
    lines,
    letters: letters.map(({ disposition, reason, legs }) => [disposition, reason, ...legs].join(' ')).toSorted(),
  }
}

const placed = async (): Promise<string> => {
  const placement = aPlacement()
  await db.run((sql) => storeOrders(sql, [placement]))
  return placement.order.id
}

test('each message has its disposition: counted, said and lettered as it must be', async () => {
  const [ended, waiting, odd, stranger] = [await placed(), await placed(), await placed(), newId()]
  const messages = [
    messageOf(report(ended)),
    messageOf(report(ended)),
    messageOf(report(ended, { reportId: 's' })),
    messageOf(report(waiting, { cumulativeQuantity: 7 })),
    messageOf(report(odd, { ticker: 'MSFT' })),
    messageOf(report(stranger)),
    messageOf(report('o-17')),
    messageOf(null),
    messageOf('{'),
    messageOf(null, { unreadable: { reason: 'an unknown codec', last: 99n } }),
    messageOf(report(ended, { note: 'x'.repeat(8_388_608) })),
  ]
  const { letters, lines } = await handle(messages)
  expect(counted.toSorted()).toEqual([
    'APPLIED',
    'DUPLICATE',
    'MALFORMED',
    'MALFORMED',
    'MALFORMED',
    'MALFORMED',
    'MISMATCH',
    'STALE',
    'UNKNOWN_ORDER',
    'UNKNOWN_ORDER',
  ])
  expect([exceptions, waits]).toEqual([['MISMATCH'], 1])
  expect(letters).toEqual([
    'MALFORMED an unknown codec',
    'MALFORMED is empty',
    'MALFORMED is larger than 8 MiB',
    'MALFORMED is no JSON in UTF-8',
    `UNKNOWN_ORDER no such order here ORDER:${stranger}`,
    'UNKNOWN_ORDER the order id is no UUID ORDER:o-17',
  ])
  expect(lines.filter(({ message }) => message === 'a report of the engine is kept as an exception')).toMatchObject([
    { disposition: 'MISMATCH', orderId: odd, reportId: 'r', kind: 'CANCELED' },
  ])
  // Told again, nothing is new.
  exceptions = []
  expect((await handle(messages.slice(0, 5))).lines).toEqual([])
  expect(exceptions).toEqual([])
})

test('reports of unknown orders are only counted where others share the topic', async () => {
  const { letters } = await handle([messageOf(report(newId())), messageOf('x')], { unknownToDeadLetters: false })
  expect(letters).toEqual(['MALFORMED is no JSON in UTF-8'])
  expect(counted.toSorted()).toEqual(['MALFORMED', 'UNKNOWN_ORDER'])
})

test('a message that nobody foresaw is a dead letter, and the others are handled', async () => {
  const ids = await Promise.all(Array.from({ length: 6 }, placed))
  const traced = (last: string) =>
    new Map([
      [Buffer.from('traceparent'), Buffer.from(`00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b${last}-01`)],
    ])
  const messages = ids.map((id, n) => messageOf(report(id), { headers: traced(n === 2 ? '9' : '7') }))
  const { letters, lines } = await handle(messages, {
    // A part that fails on one message: any other would do.
    tracing: {
      start({ parent }) {
        if (parent?.endsWith('b9-01') === true) throw new Error('a bug')
        return null
      },
      stop: () => Promise.resolve(),
    },
  })
  expect(letters).toEqual(['MALFORMED could not be handled: a bug'])
  expect(counted.filter((one) => one === 'APPLIED')).toHaveLength(5)
  expect(lines.filter(({ message }) => message.includes('could not be handled'))).toHaveLength(1)
})

test('a report of an order that somebody has locked holds back its partition alone, and later ones of that order come behind it', async () => {
  const [held, free] = [await placed(), await placed()]
  const { log } = quietLog()
  const obstacles: unknown[] = []
  const handler = createReportHandler({
    db,
    unknownToDeadLetters: true,
    onDisposition: (disposition) => counted.push(disposition),
    onException: (disposition) => exceptions.push(disposition),
    onWaiting: () => waits++,
    onRetry: (error) => obstacles.push(error),
    log,
    now: () => new Date(),
    newId,
  })
  const holds: [number, Promise<readonly DeadLetter[]>][] = []
  const handleHolding = (messages: readonly RawMessage[]) =>
    handler(messages, stopping.signal, (...holding) => void holds.push(holding))
  const stopping = new AbortController()
  const holder = database.session()
  await holder.unsafe('begin')
  await holder`select from orders where id = ${held} for update`
  await handleHolding([
    messageOf(report(held), { partition: 5 }),
    messageOf(report(free), { partition: 6 }),
    messageOf(report(held, { reportId: 's' }), { partition: 5 }),
  ])
  expect([counted, holds.map(([partition]) => partition)]).toEqual([['APPLIED'], [5]])
  await handleHolding([messageOf(report(held), { partition: 5 }), messageOf('{', { partition: 6 })])
  expect([counted, holds.map(([partition]) => partition)]).toEqual([
    ['APPLIED', 'MALFORMED'],
    [5, 5],
  ])
  await until(() => obstacles.length > 0, { what: 'it is said' })
  expect(String(obstacles[0])).toContain('another session holds 1 orders locked')
  await holder.unsafe('commit')
  expect(await Promise.all(holds.map(([, later]) => later))).toEqual([[], []])
  expect(counted).toEqual(['APPLIED', 'MALFORMED', 'APPLIED', 'STALE', 'DUPLICATE'])
  const rows = await sql<{ status: string }[]>`select status from orders where id in (${held}, ${free})`
  expect(rows.map(({ status }) => status)).toEqual(['CANCELED', 'CANCELED'])
})
