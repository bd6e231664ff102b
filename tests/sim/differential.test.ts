// Proves: the fake Postgres of the simulation and a real one agree. Generated sequences of store calls go to both, on several
// connections, with transactions held open between them, so that statements skip what is locked, wait for it, and find it
// changed; every answer, every refusal by SQLSTATE, every wait and the final contents of every table are the same.

import { afterAll, beforeAll, expect, test } from 'bun:test'
import { createDatabase, type TestDatabase } from '../support/database.ts'
import { createRandom } from '../support/random.ts'
import { until } from '../support/until.ts'
import { leaseTtlMs, nextCall, type Call, type Own } from './differential/calls.ts'
import { connectFake, connectReal, type Connection } from './differential/connections.ts'
import { contentsOfFake, contentsOfReal, textOf } from './differential/contents.ts'
import { createMemory, type Memory } from './differential/memory.ts'
import { createPostgres, type Postgres } from './postgres/state.ts'
import { shardOf, tickers } from './postgres/tickers.ts'

const databases = 6
const sequencesPerDatabase = 60
const callsPerSequence = 16
const connections = 3
const limitMs = 600_000

type Pair = { fake: Connection; real: Connection; held: boolean }
type Both = {
  db: Postgres
  database: TestDatabase
  memory: Memory
  fakeOwn: Own
  realOwn: Own
  pairs: Pair[]
  trail: string[]
}

const counts = { waits: 0, refusals: 0, written: 0, leftOut: 0, triggered: 0, told: 0, reported: 0, fired: 0, swept: 0 }

const codeOf = (error: unknown): string => String((error as { code?: unknown }).code ?? error)

/** The answer as text, or the SQLSTATE. */
const outcomeOf = async (call: Call, sql: Connection['sql'], own: Own): Promise<{ text: string; answer: unknown }> => {
  try {
    const answer = await call.run(sql, own)
    return { text: textOf(answer, call.ordered), answer }
  } catch (error) {
    return { text: `refused ${codeOf(error)}`, answer: undefined }
  }
}

const nextTick = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

const endHeld = async ({ memory, pairs, trail }: Both, pair: Pair): Promise<void> => {
  const how = memory.random.pick(['commit', 'rollback'] as const)
  trail.push(`${how} of connection ${pairs.indexOf(pair)}`)
  pair.held = false
  await Promise.all([pair.fake.end(how), pair.real.end(how)])
  await nextTick()
}

/** If the fake says that the statement has to wait, the real one must wait too, until the transactions in its way have ended. */
const awaitLocks = async (both: Both, waiting: Pair): Promise<void> => {
  while (await waiting.fake.isWaiting()) {
    counts.waits++
    both.trail.push('has to wait')
    await until(() => waiting.real.isWaiting(), { what: `it waits:\n${both.trail.join('\n')}` })
    const holder = both.pairs.find((pair) => pair.held && pair !== waiting)
    if (holder === undefined) throw new Error('it waits for nobody')
    await endHeld(both, holder)
  }
}

/** How many positions of the outbox a statement draws before it is refused is not said: they are lost in any case. */
const agreeOnPositions = async ({ db, database }: Both): Promise<void> => {
  const [row] = await database.sql<{ last: string }[]>`
    select case when is_called then last_value else 0 end as last from outbox_position_seq`
  db.lastPosition = BigInt(row!.last)
}

const step = async (both: Both): Promise<void> => {
  const { memory, pairs, trail } = both
  const call = nextCall(memory)
  const pair = memory.random.pick(pairs.filter(({ held }) => !held))
  const hold = call.writes && memory.random.chance(0.3) && pairs.filter(({ held }) => !held).length > 1
  trail.push(`${call.name} on connection ${pairs.indexOf(pair)}${hold ? ', held' : ''}`)
  if (hold) await Promise.all([pair.fake.hold(), pair.real.hold()])

  const fake = outcomeOf(call, pair.fake.sql, both.fakeOwn)
  const real = outcomeOf(call, pair.real.sql, both.realOwn)
  await nextTick()
  await awaitLocks(both, pair)
  if (hold) pair.held = true
  const expected = await fake
  trail.push(`  ${expected.text}`)
  const answered = (await real).text
  if (expected.text.startsWith('refused')) {
    counts.refusals++
    await agreeOnPositions(both)
  }
  if (call.name === 'readSettled' && answered !== expected.text) await awaitSettled(both, call, pair, expected.text)
  else expect(answered, trail.join('\n')).toBe(expected.text)
  if (expected.answer !== undefined) call.learn?.(expected.answer)
  if (call.name === 'writeFills' && expected.answer !== undefined)
    countWritten(expected.answer as { written: Set<string> })
  if (expected.answer !== undefined) countLife(call.name, expected.answer)
}

/** All databases of a server share transaction ids: an open transaction in another database also holds back a mark of this one. */
const isHeldElsewhere = async ({ database, realOwn }: Both): Promise<boolean> => {
  const [row] = await database.sql<{ held: boolean }[]>`
    select count(*) > 0 as held from pg_stat_activity
    where datname <> current_database() and backend_xid::text::bigint < ${String(realOwn.xid)}::bigint`
  return row!.held
}

const awaitSettled = (both: Both, call: Call, { real }: Pair, expected: string): Promise<boolean> => {
  const ask = async (): Promise<boolean> => {
    const { text } = await outcomeOf(call, real.sql, both.realOwn)
    return text === expected || (text.replace('settled: false', 'settled: true') === expected && isHeldElsewhere(both))
  }
  return until(ask, { what: `the marks agree:\n${both.trail.join('\n')}` })
}

const countLife = (name: string, answer: unknown): void => {
  if (name === 'triggerStops') counts.triggered += (answer as { triggered: Set<string> }).triggered.size
  if (name === 'fireDue') counts.fired += (answer as { fired: number }).fired
  if (name === 'takeSweeps') counts.swept += (answer as unknown[]).length
  if (name === 'tellEndings') counts.told += (answer as { told: unknown[] }).told.length
  if (name.startsWith('writeReports')) counts.reported += (answer as { written: Set<string> }).written.size
}

const countWritten = ({ written }: { written: Set<string> }): void =>
  void (written.size > 0 ? counts.written++ : counts.leftOut++)

/** As if a replica had been silent for longer than its leases last. */
const silence = async ({ db, database, memory }: Both): Promise<void> => {
  const replica = memory.random.pick(memory.replicas)
  const past = Date.now() - 2 * leaseTtlMs
  for (const lease of db.leases.values()) if (lease.holder === replica) lease.expiresAt = past
  if (db.replicas.has(replica)) db.replicas.set(replica, past)
  const at = new Date(past).toISOString()
  await database.sql`update relay_leases set expires_at = ${at}::timestamptz where holder = ${replica}::uuid`
  await database.sql`update replicas set seen_at = ${at}::timestamptz where id = ${replica}::uuid`
}

/** As if the deadline of a switch had passed while nobody looked. One at a time: in which order one statement fires several is not said. */
const letPass = async ({ db, database, memory }: Both): Promise<void> => {
  const user = memory.random.pick(memory.users)
  const before = db.switches.get(user)
  const isDue = db.switches.values().some(({ fires_at }) => fires_at !== null && fires_at < Date.now())
  if (before === undefined || before.fires_at === null || isDue) return
  const past = Date.now() - 3_600_000
  db.switches.set(user, { ...before, fires_at: past })
  await database.sql`
    update cancel_after set fires_at = ${new Date(past).toISOString()}::timestamptz where user_id = ${user}::uuid`
}

const runSequence = async (both: Both): Promise<void> => {
  both.trail = []
  for (let i = 0; i < callsPerSequence; i++) await step(both)
  for (const pair of both.pairs) if (pair.held) await endHeld(both, pair)
  expect(await contentsOfReal(both.database.sql), both.trail.join('\n')).toEqual(contentsOfFake(both.db))
  if (both.memory.random.chance(0.3)) await silence(both)
  if (both.memory.random.chance(0.5)) await letPass(both)
}

const open: TestDatabase[] = []
beforeAll(async () => {
  open.push(...(await Promise.all(Array.from({ length: databases }, () => createDatabase()))))
})
afterAll(async () => {
  for (const database of open) await database.drop()
})

const newOwn = (): Own => ({ xid: 0n, stamps: new Map(), places: [], moments: new Map() })

const createBoth = async (database: TestDatabase, seed: number): Promise<Both> => {
  const db = createPostgres(() => Date.now())
  const pairs: Pair[] = []
  for (let i = 0; i < connections; i++)
    pairs.push({ fake: connectFake(db), real: await connectReal(database), held: false })
  const memory = createMemory(createRandom(seed))
  return { db, database, memory, fakeOwn: newOwn(), realOwn: newOwn(), pairs, trail: [] }
}

test(
  `${databases * sequencesPerDatabase} sequences of ${callsPerSequence} calls give the same answers and tables`,
  async () => {
    const runAll = async (database: TestDatabase, seed: number): Promise<void> => {
      const both = await createBoth(database, seed)
      for (let i = 0; i < sequencesPerDatabase; i++) await runSequence(both)
    }
    const ends = await Promise.allSettled(open.map(runAll))
    for (const end of ends) if (end.status === 'rejected') throw end.reason
    // It would prove little if nothing had ever been in the way of anything.
    expect(counts.waits).toBeGreaterThan(20)
    expect(counts.refusals).toBeGreaterThan(20)
    expect(counts.written).toBeGreaterThan(20)
    expect(counts.leftOut).toBeGreaterThan(20)
    expect(counts.triggered).toBeGreaterThan(10)
    expect(counts.told).toBeGreaterThan(10)
    expect(counts.reported).toBeGreaterThan(10)
    expect(counts.fired).toBeGreaterThan(0)
    expect(counts.swept).toBeGreaterThan(0)
  },
  limitMs,
)

test('the shards of the simulated tickers are those of Postgres', async () => {
  const rows = await open[0]!.sql<{ ticker: string; shard: number }[]>`
    select ticker, hashtext(ticker) & 15 as shard from unnest(${tickers}::text[]) as t (ticker)`
  expect(rows.map((row) => [row.ticker, row.shard])).toEqual(tickers.map((ticker) => [ticker, shardOf(ticker)]))
})
