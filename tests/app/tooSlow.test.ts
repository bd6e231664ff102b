// Proves: where Postgres is so slow that a whole batch takes longer than its time-out, smaller parts of it get through. Here every row that is
// written takes a while.

import { afterEach, expect, test } from 'bun:test'
import { cancelMany } from '../../src/app/cancelMany.ts'
import { createExpiry } from '../../src/app/expiry.ts'
import { applyTrades } from '../../src/app/fill.ts'
import { applyReports } from '../../src/app/report.ts'
import { createWaitingReports } from '../../src/app/waitingReports.ts'
import { codeOf } from '../../src/store/faults.ts'
import { raiseTapeMarks } from '../../src/store/tapeMarks.ts'
import { aPlacement, aReport, aTrade, newId } from '../support/builders.ts'
import { ownDatabase } from '../support/ownDatabase.ts'
import { quietLog } from '../support/quietLog.ts'
import { storeOrders } from '../support/storeOrders.ts'

const { database, sql, db } = await ownDatabase()
const count = 16
const rowMs = 60
/** A few rows get through in it, and by far not all. */
const impatient = { statementTimeoutMs: 5 * rowMs }
const topic = 'trades'
const now = (): Date => new Date()

const slowly = (what: string) =>
  sql.unsafe(`
    create function take_a_while() returns trigger language plpgsql as
      $$ begin perform pg_sleep(${rowMs / 1000}); return new; end $$;
    create trigger take_a_while before ${what} for each row execute function take_a_while()`)
afterEach(async () => {
  await sql.unsafe('drop function if exists take_a_while cascade')
})

const place = async (changes: Parameters<typeof aPlacement>[0] = {}): Promise<string[]> => {
  const placements = Array.from({ length: count }, () => aPlacement(changes))
  await db.run((some) => storeOrders(some, placements))
  await sql`delete from outbox`
  return placements.map(({ order }) => order.id)
}
/** Says that all of the trade topic was applied. */
const readOn = () =>
  db.run((some) =>
    raiseTapeMarks(some, {
      topic,
      partitions: 1,
      goneUntil: null,
      marks: [{ partition: 0, readUntil: new Date(Date.now() + 3_600_000) }],
    }),
  )
const statusesOf = async (ids: readonly string[]): Promise<string[]> => {
  const rows = await sql<{ status: string }[]>`select distinct status from orders where id in ${sql(ids)}`
  return rows.map(({ status }) => status)
}

/** The codes of what went wrong. */
const createNotes = () => {
  const codes = new Set<string>()
  return { codes, note: (error: unknown) => void codes.add(codeOf(error)) }
}
/** Passes until none has anything to do; their errors are noted, as the loop would log them. */
const passUntilDone = async (pass: () => Promise<boolean>, isDone: () => Promise<boolean>): Promise<Set<string>> => {
  const { codes, note } = createNotes()
  while (!(await isDone())) await pass().catch(note)
  return codes
}

test('fills', async () => {
  const ids = await place()
  await slowly('insert on ingested_fills')
  const { codes, note } = createNotes()
  const outcomes = await applyTrades(
    database.open(impatient),
    ids.map((buy) => aTrade({ buy })),
    { now, newId, signal: new AbortController().signal, onRetry: note },
  )
  expect(outcomes.map(({ disposition }) => disposition)).toEqual(ids.map(() => 'APPLIED'))
  expect([...codes]).toEqual(['57014'])
})

test('reports that wait', async () => {
  const ids = await place()
  const context = { now, newId, signal: new AbortController().signal, onRetry: () => undefined }
  await applyReports(
    db,
    ids.map((orderId) => aReport({ orderId, cumulative: '10' })),
    context,
  )
  await applyTrades(
    db,
    ids.map((buy) => aTrade({ buy, quantity: '10' })),
    context,
  )
  await slowly('update on ingested_reports')
  const loop = createWaitingReports({
    reads: database.open({ ...impatient, plans: 'pages' }),
    db: database.open(impatient),
    tradeTopic: topic,
    waitMs: 1_000,
    now,
    newId,
    onSettled: () => undefined,
    onCommitted: () => undefined,
    clock: () => 0,
    log: quietLog().log,
  })
  const codes = await passUntilDone(loop.pass, async () => (await statusesOf(ids)).join(' ') === 'CANCELED')
  expect([...codes]).toEqual(['57014'])
})

test.each([
  ['is told of to the engine', 'insert on outbox'],
  ['becomes a status', 'update on orders'],
])('expiry: what %s', async (_, what) => {
  const ids = await place({ timeInForce: 'GTD', expiresAt: new Date(Date.now() - 5_000).toISOString() })
  await slowly(what)
  const expiry = createExpiry({
    db: database.open({ ...impatient, plans: 'pages', connections: 1 }),
    topic,
    settleMs: 0,
    graceMs: 0,
    newEventId: () => newId(),
    onCommitted: () => undefined,
    clock: () => 0,
    log: quietLog().log,
  })
  const { codes, note } = createNotes()
  while ((await statusesOf(ids)).join(' ') !== 'EXPIRED') {
    await expiry.pass().catch(note)
    await sql`delete from outbox`
    await readOn()
  }
  // A batch of endings that is halved says nothing of it.
  expect([...codes]).toEqual(what === 'insert on outbox' ? ['57014'] : [])
})

test('cancels of many', async () => {
  const ids = await place()
  await slowly('update on orders')
  const { canceled, refused } = await cancelMany(database.open(impatient), {
    ids,
    reasonCode: 'MASS_CANCELED',
    cause: { kind: 'mass-cancel', requestId: 'a-cancel' },
    traceparent: null,
    newEventId: () => newId(),
    now: now(),
    onCommitted: () => undefined,
  })
  expect(canceled.toSorted()).toEqual(ids.toSorted())
  expect(refused).toEqual([])
})
