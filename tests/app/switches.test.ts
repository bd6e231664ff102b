// Proves: a switch fires at its deadline by the database's clock, never before and once, whichever replica lives; it cancels what was committed
// before it fired; arming it again comes before the firing or after it, and every answer says which.

import { beforeEach, describe, expect, test } from 'bun:test'
import { createFoundLocked } from '../../src/app/foundLocked.ts'
import { createLookout } from '../../src/app/lookout.ts'
import { createSweeps } from '../../src/app/sweeps.ts'
import {
  armBatch,
  createSwitches,
  type ArmCommand,
  type ArmResult,
  type SwitchesOptions,
} from '../../src/app/switches.ts'
import type { Switch } from '../../src/store/cancelAfter.ts'
import type { Database, Sql } from '../../src/store/sql.ts'
import { aPlacement, newId } from '../support/builders.ts'
import { ownDatabase } from '../support/ownDatabase.ts'
import { quietLog } from '../support/quietLog.ts'
import { createRandom } from '../support/random.ts'
import { storeOrders } from '../support/storeOrders.ts'
import { until } from '../support/until.ts'
import { countingLockTimeouts, failureOf, untilBlocked } from '../support/waiting.ts'

const { database, sql, db } = await ownDatabase()
const keys = { plans: 'keys', connections: 1 } as const

const loop = (changes: Partial<SwitchesOptions> = {}) =>
  createSwitches({
    db: database.open(keys),
    onSweeps: () => undefined,
    clock: () => performance.now(),
    log: quietLog().log,
    ...changes,
  })

let userId = ''
beforeEach(async () => {
  userId = crypto.randomUUID()
  await sql`update cancel_after set fires_at = null`
})

const command = (timeoutMs: number, changes: Partial<ArmCommand> = {}): ArmCommand => ({
  userId,
  timeoutMs,
  cause: { kind: 'cancel-after', requestId: 'an-arming' },
  lost: [],
  ...changes,
})
const parts = { newId, foundLocked: createFoundLocked(), onCommitted: () => undefined }
const armedOf = (result: ArmResult): Switch => (result.ok ? result.armed : expect.unreachable(result.code))
const armCommand = async (one: ArmCommand, on: Database = db): Promise<Switch> => {
  const [result] = await armBatch(on, [one], parts)
  return armedOf(result!)
}
const arm = (timeoutMs: number, changes: Partial<ArmCommand> = {}): Promise<Switch> =>
  armCommand(command(timeoutMs, changes))

type Statement = (some: Sql) => Promise<unknown>
/** Makes the first statement of a command and loses its answer. `runs`: whether it gets as far as Postgres. Returns it, to be run later. */
const lose = async (one: ArmCommand, { runs }: { runs: boolean }): Promise<Statement> => {
  let made: Statement | undefined
  const losing: Database = {
    ...db,
    run: async <T>(statement: (some: Sql) => Promise<T>): Promise<T> => {
      made = statement
      if (runs) await db.run(statement)
      throw Object.assign(new Error('the connection was closed'), { code: 'CONNECTION_CLOSED' })
    },
  }
  await armCommand(one, losing).then(
    () => expect.unreachable(),
    () => undefined,
  )
  return made!
}
const clock = async (): Promise<number> =>
  (await sql<{ now: Date }[]>`select clock_timestamp() as now`)[0]!.now.getTime()
/** Waits until the database's clock has passed an instant. */
const untilPast = async (at: Date): Promise<void> => {
  while ((await clock()) <= at.getTime()) await Bun.sleep(2)
}
const sweepsOf = async (user = userId) => [
  ...(await sql<{ due_at: Date; begun_at: Date; cause: object; reason_code: string }[]>`
    select due_at, begun_at, cause, reason_code from cancel_sweeps where user_id = ${user} order by id`),
]
const place = async (): Promise<string> => {
  const placement = aPlacement({ userId })
  await db.run((some) => storeOrders(some, [placement]))
  return placement.order.id
}

describe('arming', () => {
  test('sets the deadline by the clock of the database, again and again; 0 disarms', async () => {
    const before = await clock()
    const first = await arm(5_000)
    expect(first.fired).toBe(false)
    expect(first.firesAt!.getTime()).toBeGreaterThanOrEqual(before + 5_000)
    expect(first.firesAt!.getTime()).toBeLessThanOrEqual((await clock()) + 5_000)
    const second = await arm(9_000)
    expect(second.firesAt!.getTime()).toBeGreaterThan(first.firesAt!.getTime() + 3_000)
    expect(await arm(0)).toEqual({ userId, firesAt: null, fired: false })
    expect(await sweepsOf()).toEqual([])
  })

  test('that comes late, after it was made again and another one came, changes nothing', async () => {
    const disarming = command(0)
    const late = await lose(disarming, { runs: false })
    expect((await armCommand(disarming)).firesAt).toBeNull()
    const { firesAt } = await arm(60_000)
    expect(await db.run(late)).toEqual(new Map([[userId, { userId, firesAt, fired: false }]]))
    for (let n = 0; n < 20; n++) await arm(30_000 + n)
    const [row] = await sql<{ armed: boolean; earlier: number }[]>`
      select fires_at is not null as armed, cardinality(earlier) as earlier from cancel_after where user_id = ${userId}`
    expect(row).toEqual({ armed: true, earlier: 16 })
  })

  test('that comes late, after it was made again, puts off no deadline that was answered', async () => {
    for (const isFirst of [true, false]) {
      const arming = command(60_000)
      const late = await lose(arming, { runs: false })
      const { firesAt } = await armCommand(arming)
      expect({ isFirst, late: await db.run(late) }).toEqual({
        isFirst,
        late: new Map([[userId, { userId, firesAt, fired: false }]]),
      })
    }
  })

  test('that comes late, past the deadline that was answered, does not arm anew: the next one is told that it fired', async () => {
    const arming = command(5)
    const late = await lose(arming, { runs: false })
    const { firesAt } = await armCommand(arming)
    await untilPast(firesAt!)
    await db.run(late)
    expect(await arm(60_000)).toMatchObject({ fired: true })
    expect((await sweepsOf()).map(({ due_at }) => due_at)).toEqual([firesAt!])
  })

  test('past the deadline does not undo it: it begins the sweep, says so, and arms anew', async () => {
    const { firesAt } = await arm(5)
    await untilPast(firesAt!)
    const again = await arm(60_000, { cause: { kind: 'cancel-after', requestId: 'another' } })
    expect(again).toMatchObject({ fired: true })
    expect(again.firesAt!.getTime()).toBeGreaterThan(await clock())
    const [sweep, ...others] = await sweepsOf()
    expect(others).toEqual([])
    expect(sweep).toMatchObject({
      due_at: firesAt!,
      reason_code: 'CANCEL_AFTER',
      cause: { kind: 'cancel-after', requestId: 'an-arming' },
    })
    expect(await arm(0)).toEqual({ userId, firesAt: null, fired: false })
    expect(await sweepsOf()).toHaveLength(1)
  })

  test('says once that the loop has fired it', async () => {
    const { firesAt } = await arm(5)
    await untilPast(firesAt!)
    await loop().look()
    expect(await arm(60_000)).toMatchObject({ fired: true })
    expect(await arm(60_000)).toMatchObject({ fired: false })
    expect(await sweepsOf()).toHaveLength(1)
  })

  test('with an answer that was lost is answered the same when it is made again', async () => {
    const { firesAt } = await arm(5)
    await untilPast(firesAt!)
    const arming = command(60_000)
    await lose(arming, { runs: true })
    await lose(arming, { runs: true })
    expect(await armCommand(arming)).toMatchObject({ fired: true })
    expect(await arm(60_000)).toMatchObject({ fired: false })
    expect(await sweepsOf()).toHaveLength(1)
  })

  test('of many users at a time, some of them for the first time, some twice', async () => {
    const users = Array.from({ length: 20 }, () => crypto.randomUUID())
    for (let round = 0; round < 5; round++) {
      const batches = Array.from({ length: 4 }, () =>
        armBatch(
          db,
          [...users, ...users.slice(0, 3)].map((user, n) => command(60_000 + n, { userId: user })),
          parts,
        ),
      )
      for (const results of await Promise.all(batches))
        expect(results.map((result) => armedOf(result).userId)).toEqual([...users, ...users.slice(0, 3)])
    }
  })
})

describe('arming a switch that somebody holds locked', () => {
  const impatient = () => countingLockTimeouts(database.open({ connections: 1, lockTimeoutMs: 100 }))
  const [other, newcomer] = [crypto.randomUUID(), crypto.randomUUID()]
  const commands = () => [other, userId, newcomer, userId].map((user) => command(60_000, { userId: user }))
  const armed = { ok: true, armed: { fired: false } }
  const refused = { ok: false, code: 'OVERLOADED' }

  test.each([
    'select from cancel_after where user_id = $1 for update',
    'update cancel_after set fires_at = null where user_id = $1',
  ])('is refused for its user alone, and waits for it once: %s', async (holding) => {
    const { firesAt } = await arm(60_000)
    const { db: on, timeouts } = impatient()
    const known = { ...parts, foundLocked: createFoundLocked() }
    const holder = database.session()
    try {
      await holder`begin`
      await holder.unsafe(holding, [userId])
      for (let n = 0; n < 3; n++)
        expect(await armBatch(on, commands(), known)).toMatchObject([armed, refused, armed, refused])
      expect(timeouts()).toBe(1)
    } finally {
      await holder`rollback`
    }
    const [after] = await armBatch(on, [command(90_000)], known)
    expect(armedOf(after!).firesAt!.getTime()).toBeGreaterThan(firesAt!.getTime())
    expect(known.foundLocked.among([userId])).toEqual([])
  })

  test('puts off the deadlines of others before it waits', async () => {
    await arm(60_000)
    await arm(0, { userId: other })
    const holder = database.session()
    let arming: Promise<ArmResult[]> = Promise.resolve([])
    try {
      await holder`begin`
      await holder`select from cancel_after where user_id = ${userId} for update`
      arming = armBatch(db, [command(60_000), command(60_000, { userId: other })], parts)
      await untilBlocked(sql, 'i.user_id::uuid as user_id, i.timeout_ms')
      expect(await sql`select from cancel_after where user_id = ${other} and fires_at is not null`).toHaveLength(1)
    } finally {
      await holder`rollback`
    }
    expect(await arming).toMatchObject([armed, armed])
  })

  test('has an unknown outcome where the answer to an earlier statement was lost', async () => {
    const lost = command(60_000)
    await lose(lost, { runs: true })
    const { db: on } = impatient()
    const holder = database.session()
    try {
      await holder`begin`
      await holder`select from cancel_after where user_id = ${userId} for update`
      expect(await armBatch(on, [lost], parts)).toEqual([{ ok: false, code: 'OUTCOME_UNKNOWN' }])
    } finally {
      await holder`rollback`
    }
  })

  test('keeps no other from being told once that its deadline passed, when the batch is made again', async () => {
    await arm(60_000)
    const { firesAt } = await arm(5, { userId: other })
    await untilPast(firesAt!)
    let statements = 0
    const shaky: Database = {
      ...db,
      run: (statement) =>
        ++statements === 2
          ? Promise.reject(Object.assign(new Error('shutting down'), { code: '57P01' }))
          : db.run(statement),
    }
    const both = [command(60_000, { userId: other }), command(60_000)]
    const holder = database.session()
    try {
      await holder`begin`
      await holder`select from cancel_after where user_id = ${userId} for update`
      expect(await failureOf(armBatch(shaky, both, parts))).toMatchObject({ code: '57P01' })
    } finally {
      await holder`rollback`
    }
    expect(await armBatch(shaky, both, parts)).toMatchObject([{ ok: true, armed: { fired: true } }, armed])
    expect(statements).toBe(3)
  })
})

describe('firing', () => {
  test('is not early, and happens once, however many replicas look', async () => {
    const { firesAt } = await arm(60)
    const loops = [loop(), loop(), loop()]
    while ((await sweepsOf()).length === 0) await Promise.all(loops.map((one) => one.look()))
    await Promise.all(loops.map((one) => one.look()))
    const [sweep, ...others] = await sweepsOf()
    expect(others).toEqual([])
    expect(sweep!.begun_at.getTime()).toBeGreaterThanOrEqual(firesAt!.getTime())
  })

  test('cancels the orders that were committed before, and leaves those that come later', async () => {
    const before = await place()
    const { firesAt } = await arm(5)
    const between = await place()
    await untilPast(firesAt!)
    await loop().look()
    const after = await place()
    const sweeps = createSweeps({
      db: database.open({ plans: 'pages', connections: 1 }),
      replicaId: crypto.randomUUID(),
      newEventId: () => newId(),
      onCommitted: () => undefined,
      clock: () => performance.now(),
      now: () => new Date(),
      log: quietLog().log,
    })
    while (await sweeps.turn());
    const rows = await sql<{ id: string; status: string; reason_code: string | null }[]>`
      select id, status, reason_code from orders where user_id = ${userId}`
    expect(new Map(rows.map(({ id, status, reason_code }) => [id, [status, reason_code]]))).toEqual(
      new Map([
        [before, ['CANCELED', 'CANCEL_AFTER']],
        [between, ['CANCELED', 'CANCEL_AFTER']],
        [after, ['NEW', null]],
      ]),
    )
  })

  test('does not wait for a switch that somebody holds, and fires it later', async () => {
    const { firesAt } = await arm(5)
    const other = crypto.randomUUID()
    await arm(5, { userId: other })
    await untilPast(new Date(firesAt!.getTime() + 20))
    const { promise: go, resolve: release } = Promise.withResolvers<void>()
    const { promise: isHeld, resolve: held } = Promise.withResolvers<void>()
    const holder = sql.begin(async (transaction) => {
      await transaction`select from cancel_after where user_id = ${userId} for update`
      held()
      await go
    })
    await isHeld
    const one = loop()
    try {
      expect(await one.look()).toBeLessThan(100)
      expect([(await sweepsOf()).length, (await sweepsOf(other)).length]).toEqual([0, 1])
    } finally {
      release()
      await holder
    }
    await one.look()
    expect(await sweepsOf()).toHaveLength(1)
  })

  test('loses against an arming that came before the deadline and holds the switch', async () => {
    const { firesAt } = await arm(300)
    let rearmed: Promise<unknown> = Promise.resolve()
    await sql.begin(async (transaction) => {
      await transaction`select from cancel_after where user_id = ${userId} for update`
      rearmed = arm(60_000)
      await untilBlocked(sql, 'cancel_after')
      await untilPast(firesAt!)
    })
    expect(await rearmed).toMatchObject({ fired: false })
    await loop().look()
    expect(await sweepsOf()).toEqual([])
  })
})

describe('the loop', () => {
  test('looks while sweeps are open, rests while nothing is armed, and looks at a deadline in time', async () => {
    const one = loop()
    expect(await one.look()).toBe(750)
    await sql`update cancel_sweeps set done_at = now() where done_at is null`
    expect(await one.look()).toBe(10_000)
    await arm(400)
    const rest = await one.look()
    expect(rest).toBeGreaterThanOrEqual(250)
    expect(rest).toBeLessThanOrEqual(410)
    await arm(100)
    expect(await one.look()).toBe(250)
  })

  test('fires within a second of the deadline what another replica armed, also after a failure', async () => {
    const fired: number[] = []
    const pool = database.open(keys)
    let failures = 3
    const shaky: Database = {
      ...pool,
      run: <T>(statement: (some: Sql) => Promise<T>) =>
        failures-- > 0 ? Promise.reject(new Error('refused')) : pool.run(statement),
    }
    const one = loop({ db: shaky, onFired: (lateMs) => fired.push(lateMs) })
    const stop = new AbortController()
    const rings = { endings: () => undefined, switches: one.ring, reports: () => undefined }
    const lookout = createLookout({
      db: pool,
      endsImmediate: false,
      rings,
      clock: () => performance.now(),
      log: quietLog().log,
    })
    const running = Promise.all([one, lookout].map((part) => part.run(stop.signal)))
    const { firesAt } = await arm(1_000)
    await until(async () => (await sweepsOf()).length > 0, { what: 'it fires' })
    const [{ begun_at } = { begun_at: new Date(0) }] = await sweepsOf()
    expect(begun_at.getTime() - firesAt!.getTime()).toBeLessThan(1_000)
    stop.abort()
    await running
    expect(fired).toHaveLength(1)
    expect(one.state()).toMatchObject({ obstacle: null })
  })
})

test('ten thousand armings race the firing: each deadline was fired once or armed anew before, and every answer says which', async () => {
  const random = createRandom(16)
  const users = Array.from({ length: 50 }, () => crypto.randomUUID())
  const armings = 200
  const stop = new AbortController()
  const pools = [database.open(), database.open()]
  const loops = [loop(), loop()].map(async (one) => {
    while (!stop.signal.aborted) {
      await one.look()
      await Bun.sleep(1)
    }
  })

  /** The answers to one user, in order; the deadline of each ends about when the next one comes. */
  const client = async (user: string, own: ReturnType<typeof createRandom>): Promise<Switch[]> => {
    const answers: Switch[] = []
    // On a busy machine an arming takes longer, and must not be late each time for that.
    let tookMs = 0
    for (let n = 0; n < armings; n++) {
      const timeoutMs = own.int(1, 60) + Math.ceil(tookMs)
      const startedAt = performance.now()
      const armed = await armCommand(command(timeoutMs, { userId: user }), own.pick(pools))
      answers.push(armed)
      tookMs = performance.now() - startedAt
      await Bun.sleep(own.int(0, timeoutMs))
    }
    return answers
  }
  const answers = await Promise.all(users.map((user) => client(user, random.fork())))
  await until(async () => (await sql`select from cancel_after where fires_at is not null`).length === 0, {
    what: 'all have fired',
  })
  stop.abort()
  await Promise.all(loops)

  let fired = 0
  for (const [n, user] of users.entries()) {
    const sweeps = await sweepsOf(user)
    for (const { due_at, begun_at } of sweeps) expect(begun_at.getTime()).toBeGreaterThanOrEqual(due_at.getTime())
    const deadlines = answers[n]!.map(({ firesAt }) => firesAt!.getTime())
    // What the next answer says of each; the last one had to fire.
    const said = deadlines.filter((_, i) => answers[n]![i + 1]?.fired ?? true)
    expect(sweeps.map(({ due_at }) => due_at.getTime())).toEqual(said)
    fired += said.length
  }
  // Both outcomes have to be frequent, or this proves nothing.
  expect(fired).toBeGreaterThan(users.length * armings * 0.1)
  expect(fired).toBeLessThan(users.length * armings * 0.9)
})
