// Calls about rules, voids, sweeps and switches. Which orders were there at a moment is compared by the orders that a page of it has: the
// moment itself each side has of its own.

import { armSwitches, fireDue, type Switch } from '../../../src/store/cancelAfter.ts'
import { readCoveredPage, readMoment, readOpenTickers } from '../../../src/store/covered.ts'
import { leaseMaxMs } from '../../../src/store/formerClock.ts'
import { insertVoids } from '../../../src/store/keys.ts'
import { changeRules, nothingRead, readRulesSince, type RulesDelta } from '../../../src/store/rules.ts'
import type { Sql } from '../../../src/store/sql.ts'
import { finishSweep, releaseSweeps, renewSweeps, takeSweeps, type Sweep } from '../../../src/store/sweeps.ts'
import { tickers } from '../postgres/tickers.ts'
import type { Call, Own } from './calls.ts'
import { newId, some, someId, type Memory } from './memory.ts'
import { someKey } from './terms.ts'

/** Longer than a sequence of calls. */
const leaseMs = leaseMaxMs
const lockTimeoutMs = 20_000
const pageMax = 500

const plain = (name: string, writes: boolean, run: (sql: Sql, own: Own) => Promise<unknown>): Call => ({
  name,
  writes,
  run,
})

const voiding = (memory: Memory): Call => {
  const { random } = memory
  const keys = new Map(some(random, 3, () => someKey(memory)).map((key) => [`${key.userId} ${key.clientOrderId}`, key]))
  const voids = [...keys.values()].map((key) => ({
    key,
    at: new Date('2026-01-02T03:04:05Z'),
    requestId: `request ${random.int(0, 9)}`,
    subject: random.chance(0.5) ? 'a subject' : null,
  }))
  const keysFilled = random.chance(0.7)
  return plain('insertVoids', true, (sql) => insertVoids(sql, voids, keysFilled))
}

/** Without the times, which each side has of its own clock. */
const changing = (memory: Memory): Call => {
  const { random } = memory
  const ticker = random.pick(['', ...tickers.slice(0, 3)])
  // Mostly it trades, so that stops trigger.
  const state = random.pick(['ACTIVE', 'ACTIVE', 'HALTED'] as const)
  const origin = { attempt: newId(memory), by: 'the desk', note: 'a note', subject: null, requestId: newId(memory) }
  const change = { what: 'TRADING', ticker, state, cancelOpen: random.chance(0.5) } as const
  return {
    ...plain('changeRules', true, async (sql) => {
      const stored = await changeRules(sql, change, { origin, lockTimeoutMs })
      return {
        epoch: stored?.epoch,
        before: stored?.before.includes('HALTED'),
        after: stored?.after.includes('HALTED'),
      }
    }),
    learn: (answer) => void (memory.epoch = BigInt((answer as { epoch: string }).epoch)),
  }
}

const rulesSince = (memory: Memory): Call => {
  const { place } = memory
  const known = memory.random.chance(0.5) ? nothingRead : place
  return {
    ...plain('readRulesSince', false, (sql) => readRulesSince(sql, known)),
    learn: (delta) => void (memory.place = (delta as RulesDelta).place),
  }
}

/** A statement of an arming: often one that was made again after its answer was lost, and sometimes the lost one, which comes late. */
const statementOf = (memory: Memory): { attempt: string; lost: string[] } => {
  const { random, users } = memory
  const attempt = newId(memory)
  if (random.chance(0.2)) return { attempt: users[0]!, lost: [] }
  return { attempt, lost: random.chance(0.3) ? [users[0]!] : [] }
}

/** Deadlines are years away; those that have passed are made so between two sequences. */
const arming = (memory: Memory): Call => {
  const { random, users } = memory
  const armings = random
    .shuffle(users)
    .slice(0, random.int(1, 2))
    .map((userId) => ({
      userId,
      timeoutMs: random.pick([0, 86_400_000]),
      cause: { kind: 'cancel-after', requestId: `request ${random.int(0, 9)}` } as const,
      ...statementOf(memory),
    }))
  const skipLocked = random.chance(0.4)
  return plain('armSwitches', true, async (sql) =>
    [...(await armSwitches(sql, armings, { skipLocked }))].map(([user, { firesAt, fired }]: [string, Switch]) => ({
      user,
      armed: firesAt !== null,
      fired,
    })),
  )
}

const firing = (): Call =>
  plain('fireDue', true, async (sql) => {
    const { lateMs, due, nextMs, open, isWaiting } = await fireDue(sql, 10)
    return { fired: lateMs.length, due, isArmed: nextMs !== null, open, isWaiting }
  })

const taking = (memory: Memory): Call => {
  const { random, replicas } = memory
  const query = { replicaId: random.pick(replicas), leaseMs, limit: random.pick([1, 2, 16]), at: [] }
  return {
    ...plain('takeSweeps', true, async (sql, own) => {
      const taken = (await takeSweeps(sql, query)).toSorted((a, b) => Number(a.id) - Number(b.id))
      for (const { id, moment } of taken) own.moments.set(id, moment)
      return taken.map(({ id, scope, reasonCode, cause }) => ({ id, scope, reasonCode, cause }))
    }),
    learn(answer) {
      const taken = answer as Omit<Sweep, 'moment'>[]
      memory.taken.push(...taken.map(({ id }) => id))
    },
  }
}

const covered = (memory: Memory): Call => {
  const { random, users, taken } = memory
  const id = taken.length === 0 || random.chance(0.3) ? null : random.pick(taken.slice(-4))
  const ticker = random.pick([null, ...tickers.slice(0, 3)])
  const scope = {
    userId: ticker === null || random.chance(0.5) ? random.pick(users) : null,
    ticker,
    side: random.pick([null, 'BUY', 'SELL'] as const),
  }
  const before = random.chance(0.2) ? someId(memory) : undefined
  const limit = random.pick([1, 2, pageMax])
  return plain('readCoveredPage', false, async (sql, own) => {
    const moment = id === null ? await readMoment(sql) : own.moments.get(id)!
    const { ids, next } = await readCoveredPage(sql, { scope, moment: moment!, before, limit, now: new Date() })
    return { ids, next }
  })
}

const openTickers = ({ random }: Memory): Call => {
  const after = random.chance(0.5) ? '' : random.pick(tickers)
  const limit = random.pick([1, 3, pageMax])
  return plain('readOpenTickers', false, (sql) => readOpenTickers(sql, { after, limit }))
}

const someSweep = ({ random, taken }: Memory): string => (taken.length === 0 ? '1' : random.pick(taken.slice(-6)))

/** Some of them, in turn at random. */
export const many = (memory: Memory): Call => {
  const { random, replicas } = memory
  const replicaId = random.pick(replicas)
  const id = someSweep(memory)
  return random.pick([
    voiding,
    changing,
    rulesSince,
    arming,
    arming,
    firing,
    taking,
    taking,
    covered,
    covered,
    openTickers,
    () => plain('renewSweeps', true, (sql) => renewSweeps(sql, [id], { replicaId, leaseMs })),
    () => plain('releaseSweeps', true, (sql) => releaseSweeps(sql, replicaId)),
    () => plain('finishSweep', true, (sql) => finishSweep(sql, id)),
  ])(memory)
}
