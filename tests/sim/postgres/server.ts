// Runs statements on the fake Postgres: they take time, wait for each other's locks, and fail as those of the real one. A crash
// rolls back everything uncommitted.

import type { Random } from '../../support/random.ts'
import type { Scheduler } from '../scheduler.ts'
import { refuse, StatementError, sqlState } from './errors.ts'
import type { Statement } from './fakeSql.ts'
import { expireNewest, lockSome } from './operator.ts'
import type { Postgres } from './state.ts'
import { recognise } from './statements.ts'
import { begin, commit, ensureXid, recover, rollback, type Steps, type Tx } from './transactions.ts'

/** How a statement ends for its client. */
export type Reply = (outcome: { rows: object[] } | { error: unknown }) => void

export type ServerOptions = {
  db: Postgres
  scheduler: Scheduler
  random: Random
  stepPause: { share: number; maxMs: number }
  log: (line: string) => void
}

export type Server = {
  /** `cancel`: roll it back when it is about to commit. */
  submit: (statement: Statement, reply: Reply, fate?: { cancel: boolean }) => void
  /** A transaction of somebody else draws an id, and ends after this time, mostly with a change. */
  hold: (ms: number) => void
  crash: () => void
  recover: () => void
  /** Deadlocks that the statements themselves caused. */
  deadlocks: () => number
}

type Session = { tx: Tx; steps: Steps<object[]>; reply: Reply; cancel: boolean; blocker: Tx | null }

const lockTimeoutMs = 1_000
const statementTimeoutMs = 3_000
const owner = { name: 'postgres', alive: true }

export const createServer = ({ db, scheduler, random, stepPause, log }: ServerOptions): Server => {
  const sessions = new Map<Tx, Session>()
  const others = new Set<Tx>()
  let down = false
  let deadlocks = 0
  let count = 0

  const fail = (session: Session, error: unknown): void => {
    if (!sessions.delete(session.tx)) return
    rollback(db, session.tx)
    log(`${session.tx.name} rolled back: ${error instanceof Error ? error.message : String(error)}`)
    session.reply({ error })
  }

  const succeed = (session: Session, rows: object[]): void => {
    if (!sessions.has(session.tx)) return
    if (session.cancel) return fail(session, canceledBy(random))
    sessions.delete(session.tx)
    commit(db, session.tx)
    if (session.tx.xid !== null) log(`${session.tx.name} committed, ${rows.length} rows`)
    session.reply({ rows })
  }

  /** Whether waiting for `tx` would close a circle. */
  const closesCircle = (session: Session, tx: Tx): boolean => {
    for (let next: Tx | null = tx; next !== null; next = sessions.get(next)?.blocker ?? null)
      if (next === session.tx) return true
    return false
  }

  const waitFor = (session: Session, blocker: Tx): void => {
    if (closesCircle(session, blocker)) {
      deadlocks++
      return fail(session, new StatementError(sqlState.deadlock, 'deadlock detected'))
    }
    session.blocker = blocker
    log(`${session.tx.name} waits for ${blocker.name}`)
    const timer = scheduler.after(session.tx.lockTimeoutMs ?? lockTimeoutMs, owner, () =>
      fail(session, new StatementError(sqlState.lockTimeout, 'lock timeout')),
    )
    blocker.waiting.push(() => {
      timer.canceled = true
      session.blocker = null
      scheduler.after(0.01, owner, () => advance(session))
    })
  }

  const pause = (): number => (random.chance(stepPause.share) ? random.skewed(stepPause.maxMs) : 0)

  const advance = (session: Session): void => {
    if (!sessions.has(session.tx)) return
    try {
      for (;;) {
        const { done, value } = session.steps.next()
        if (done === true) return finish(session, value)
        if (value !== null) return waitFor(session, value)
        const ms = pause()
        if (ms > 0) return void scheduler.after(ms, owner, () => advance(session))
      }
    } catch (error) {
      fail(session, error)
    }
  }

  const finish = (session: Session, rows: object[]): void => {
    if (session.tx.xid === null) succeed(session, rows)
    else scheduler.after(0.2 + pause(), owner, () => succeed(session, rows))
  }

  return {
    submit(statement, reply, { cancel } = { cancel: false }) {
      if (down) return reply({ error: new StatementError('ECONNREFUSED', 'the database is down') })
      try {
        refuseNul(statement)
        const { name, run } = recognise(statement.text)
        const tx = begin(db, `${name}#${++count}`)
        const session = { tx, steps: run(db, tx, statement), reply, cancel, blocker: null }
        sessions.set(tx, session)
        scheduler.after(statementTimeoutMs, owner, () => fail(session, timedOut()))
        advance(session)
      } catch (error) {
        reply({ error })
      }
    },
    hold(ms) {
      if (down) return
      const tx = begin(db, `other#${++count}`)
      ensureXid(db, tx)
      others.add(tx)
      if (random.chance(0.5)) lockSome(db, tx, random)
      log(`${tx.name} has id ${tx.xid} for ${ms.toFixed(0)} ms`)
      scheduler.after(ms, owner, () => {
        if (!others.delete(tx)) return
        const ends = random.chance(0.7)
        if (ends) expireNewest(db, tx)
        ;(ends ? commit : rollback)(db, tx)
        log(`${tx.name} ${tx.state}`)
      })
    },
    crash() {
      down = true
      for (const session of sessions.values())
        fail(session, new StatementError(sqlState.adminShutdown, 'terminating connection'))
      for (const tx of others) rollback(db, tx)
      others.clear()
      recover(db, random.next)
      log(`goes on with transaction ${db.nextXid}`)
    },
    recover() {
      down = false
    },
    deadlocks: () => deadlocks,
  }
}

/** No text of Postgres holds a NUL: such a statement fails before it begins. */
const refuseNul = ({ parameters }: Statement): void =>
  refuse(
    parameters.some((parameter) => String(parameter).includes('\0')),
    sqlState.characterNotInRepertoire,
    'invalid byte sequence for encoding "UTF8": 0x00',
  )

const timedOut = () => new StatementError(sqlState.statementTimeout, 'statement timeout')

const canceledBy = (random: Random): StatementError =>
  random.chance(0.5) ? timedOut() : new StatementError(sqlState.deadlock, 'deadlock (of somebody else)')
