// Proves: one look finds whatever waits for the clock, whoever wrote it, and wakes exactly the loop whose turn it is, at the moment by the database's clock; while that
// is unknown it wakes all of them, and whoever asks for marks is not told that nobody needs them.

import { beforeEach, expect, test } from 'bun:test'
import { createExpiry } from '../../src/app/expiry.ts'
import { createFoundLocked } from '../../src/app/foundLocked.ts'
import { createLookout } from '../../src/app/lookout.ts'
import { armBatch, createSwitches } from '../../src/app/switches.ts'
import { addEndings } from '../../src/store/endings.ts'
import { readPending } from '../../src/store/pending.ts'
import type { Database } from '../../src/store/sql.ts'
import { aPlacement, newId } from '../support/builders.ts'
import { ownDatabase } from '../support/ownDatabase.ts'
import { quietLog } from '../support/quietLog.ts'
import { storeOrders } from '../support/storeOrders.ts'
import { until } from '../support/until.ts'

const { database, sql, db } = await ownDatabase()
const keys = { plans: 'keys', connections: 1 } as const
const clock = (): number => performance.now()
const { log } = quietLog()

type Rung = ('endings' | 'switches' | 'reports')[]

/** Runs one beside `during`; `rung` says whom it woke, in order. */
const watching = async (
  during: (rung: Rung, lookout: ReturnType<typeof createLookout>) => Promise<void>,
  on: Database = database.open(keys),
): Promise<void> => {
  const rung: Rung = []
  const rings = {
    endings: () => rung.push('endings'),
    switches: () => rung.push('switches'),
    reports: () => rung.push('reports'),
  }
  const lookout = createLookout({ db: on, endsImmediate: false, rings, clock, log })
  const stop = new AbortController()
  const running = lookout.run(stop.signal)
  try {
    await during(rung, lookout)
  } finally {
    stop.abort()
    await running
  }
}

const seconds = (n: number): string => new Date(Date.now() + n * 1_000).toISOString()
const place = async (expiresAt: string | null, changes = {}): Promise<string> => {
  const placement = aPlacement({ timeInForce: expiresAt === null ? 'GTC' : 'GTD', expiresAt, ...changes })
  await db.run((some) => storeOrders(some, [placement]))
  return placement.order.id
}
const arm = (timeoutMs: number) =>
  armBatch(
    db,
    [{ userId: crypto.randomUUID(), timeoutMs, cause: { kind: 'cancel-after', requestId: 'r' }, lost: [] }],
    {
      newId,
      foundLocked: createFoundLocked(),
      onCommitted: () => undefined,
    },
  )
const look = (endsImmediate = false) => db.run((some) => readPending(some, { endsImmediate }))
const nothing = { endings: false, switches: false, reports: false, tape: false, nextMs: null }

beforeEach(async () => {
  await sql`update orders set status = 'CANCELED', version = version + 1 where open`
  await sql`delete from order_endings`
  await sql`update cancel_sweeps set done_at = now() where done_at is null`
  await sql`update cancel_after set fires_at = null`
})

test('nothing waits, and nobody is woken', async () => {
  await place(null)
  expect(await look()).toEqual(nothing)
  await watching(async (rung, lookout) => {
    await until(() => !lookout.needsTape(), { what: 'it has looked' })
    expect(rung).toEqual([])
  })
})

test.each([
  ['an order whose time is over', () => place(seconds(-5)), { endings: true }],
  [
    'an ending that was left here',
    async () => {
      const id = await place(null)
      await db.run((some) => addEndings(some, [id], { outcome: 'EXPIRED', reasonCode: 'EXPIRED_GTC' }))
    },
    { endings: true },
  ],
  [
    'an ending that the broker has',
    async () => {
      const id = await place(null)
      await db.run((some) => addEndings(some, [id], { outcome: 'EXPIRED', reasonCode: 'EXPIRED_GTC' }))
      await sql`update order_endings set told_at = now(), acknowledged_at = now(), outbox_position = 1`
    },
    { endings: true, tape: true },
  ],
  [
    'a sweep',
    () =>
      sql`insert into cancel_sweeps (user_id, reason_code, cause) values (gen_random_uuid(), 'CANCEL_AFTER', '{"kind":"cancel-after"}')`,
    { switches: true },
  ],
] as [string, () => Promise<unknown>, Partial<typeof nothing>][])('%s is found', async (_, write, found) => {
  await write()
  expect(await look()).toEqual({ ...nothing, ...found })
})

test('an order that is executed at once is for the clock only if the service ends such orders', async () => {
  await place(null, { timeInForce: 'IOC' })
  expect(await look()).toEqual(nothing)
  expect(await look(true)).toEqual({ ...nothing, endings: true })
})

test('the next moment is that of an order or a switch, whichever comes first', async () => {
  await place(seconds(100))
  const { nextMs: ofOrder } = await look()
  expect(ofOrder).toBeGreaterThan(90_000)
  expect(ofOrder).toBeLessThanOrEqual(100_000)
  await arm(50_000)
  const { nextMs: ofSwitch } = await look()
  expect(ofSwitch).toBeGreaterThan(40_000)
  expect(ofSwitch).toBeLessThanOrEqual(50_000)
})

test('loops at rest end at its moment what another replica stored', async () => {
  const pool = database.open({ plans: 'pages', connections: 1 })
  const expiry = createExpiry({
    db: pool,
    topic: 'trades',
    settleMs: 0,
    graceMs: 0,
    newEventId: () => newId(),
    onCommitted: () => undefined,
    clock,
    log,
  })
  const fired: number[] = []
  const switches = createSwitches({
    db: database.open(keys),
    onFired: (lateMs) => fired.push(lateMs),
    onSweeps: () => undefined,
    clock,
    log,
  })
  const rings = { endings: expiry.ring, switches: switches.ring, reports: () => undefined }
  const lookout = createLookout({ db: database.open(keys), endsImmediate: false, rings, clock, log })
  const stop = new AbortController()
  const running = Promise.all([expiry, switches, lookout].map((part) => part.run(stop.signal)))
  // All have looked, and rest.
  await until(() => !lookout.needsTape(), { what: 'it has looked' })
  const id = await place(seconds(1.2))
  await arm(1_000)
  const told = () => sql<{ late_ms: number }[]>`
    select (extract(epoch from x.written_at - o.expires_at) * 1000)::float8 as late_ms
    from outbox x join orders o on o.id = x.order_id where o.id = ${id} and x.kind = 'CANCELLED'`
  const [row] = await until(async () => (await told()).length > 0 && told(), { what: 'the engine is told' })
  expect(row!.late_ms).toBeGreaterThanOrEqual(0)
  await until(() => fired.length === 1, { what: 'the switch fires' })
  stop.abort()
  await running
})

test('while it cannot look, all are woken, and marks are needed', async () => {
  let fails = true
  const pool = database.open(keys)
  const shaky: Database = {
    ...pool,
    run: (statement) => (fails ? Promise.reject(new Error('refused')) : pool.run(statement)),
  }
  await watching(async (rung, lookout) => {
    await until(() => rung.length > 3, { what: 'it has looked twice' })
    expect(rung.slice(0, 3)).toEqual(['endings', 'switches', 'reports'])
    expect(lookout.needsTape()).toBe(true)
    fails = false
    await until(() => !lookout.needsTape(), { what: 'it has looked' })
    fails = true
    await until(() => lookout.needsTape(), { what: 'it cannot look again' })
  }, shaky)
})
