// One seed, one run: a market of clients, replicas, a Postgres, a Kafka and an engine in one process, from the first call until
// everything has come to rest. The same seed gives the same log, to the byte.

import { isFinal } from '../../src/domain/order.ts'
import type { OrderRow } from '../../src/store/orders.ts'
import { startClients } from './clients.ts'
import { startEngine } from './engine.ts'
import { createFleet, type Fleet } from './fleet.ts'
import { startFollowers } from './followers.ts'
import { createJournal, type Journal, type SweepFact } from './journal.ts'
import { createBroker, topics } from './kafka/broker.ts'
import { createGroup } from './kafka/group.ts'
import { lose } from './loss.ts'
import { planOf } from './plan.ts'
import type { Backup } from './postgres/backup.ts'
import { createServer } from './postgres/server.ts'
import { createPostgres } from './postgres/state.ts'
import type { Tx } from './postgres/transactions.ts'
import { checkAnswers } from './promises/answers.ts'
import { checkEndings, endingsRest } from './promises/endings.ts'
import { checkEvents } from './promises/events.ts'
import { checkHalts, checkTradings } from './promises/halts.ts'
import { checkLog, haveSeenLast } from './promises/log.ts'
import { checkLoss, haveSeenAllSince } from './promises/loss.ts'
import { checkReportCommit, checkReports, reportsRest } from './promises/reports.ts'
import { checkMissedStops, checkStops } from './promises/stops.ts'
import { checkSweep, checkSweeps, checkSwitch, sweepsRest } from './promises/sweeps.ts'
import { checkCommit, checkTrades, createSettledCheck } from './promises/trades.ts'
import { checkVoids } from './promises/voids.ts'
import { createScheduler } from './scheduler.ts'
import { startTroubles } from './troubles.ts'
import { epochMs, type World } from './world.ts'

export type Run = { log: string; broken: string[] }

/** In simulated time. */
const limitMs = 180_000
const followersCheckMs = 50
const lossLimitMs = 30_000
/** All stray packets have arrived after this time. */
const straysMs = 2_000

const createWorld = (seed: number, lines: string[], broken: string[]): { world: World; journal: Journal } => {
  const { plan, random } = planOf(seed)
  const scheduler = createScheduler(random.fork())
  const log = (line: string): void => void lines.push(`${scheduler.now().toFixed(3)} ${scheduler.owner().name} ${line}`)
  const db = createPostgres(() => epochMs + scheduler.now())
  const broker = createBroker(plan.partitions, () => scheduler.now())
  const server = createServer({ db, scheduler, random: random.fork(), stepPause: plan.stepPause, log })
  const journal = createJournal()
  const breaks = (promise: string): void => {
    broken.push(promise)
    log(`BROKEN ${promise}`)
  }
  const base = { plan, random, scheduler, log, broken: breaks, faulty: !plan.calm, db, server, backup: null, broker }
  const world = base as World
  world.group = createGroup(world, topics.trades, (partition, from, to) => {
    checkCommit({ ...world, journal }, partition, from, to)
    checkMissedStops({ ...world, journal }, partition, from, to)
  })
  world.reportGroup = createGroup(world, topics.reports, (partition, from, to) =>
    checkReportCommit({ ...world, journal }, partition, from, to),
  )
  db.onEvent = (event, { startedAt }) =>
    journal.events.push({ ...event, startedAt: startedAt - epochMs, committedAt: scheduler.now() })
  db.onLog = (row, { startedAt }) =>
    journal.log.push({ ...row, startedAt: startedAt - epochMs, committedAt: scheduler.now() })
  db.onOrder = (before, after) => checkMove(before, after, breaks)
  observeRules(world, journal)
  db.keysFilled = plan.keysFilledAfterMs === 0
  if (!db.keysFilled) scheduler.after(plan.keysFilledAfterMs, scheduler.owner(), () => (db.keysFilled = true))
  log(JSON.stringify(plan))
  return { world, journal }
}

/** What is written of rules, sweeps and switches, in the order of the commits; what holds at each is checked there. */
const observeRules = (world: World, journal: Journal): void => {
  const { db, scheduler } = world
  const at = ({ startedAt }: Tx) => ({ startedAt: startedAt - epochMs, committedAt: scheduler.now() })
  /** Of the transaction that is being committed. */
  const begun = new Map<Tx, SweepFact[]>()
  db.onRules = (change, tx) => {
    const { epoch, ticker, request_id: requestId } = change
    const { state } = change.after as { state: string }
    journal.rules.push({ epoch, ticker, state, requestId, at: change.at - epochMs, ...at(tx) })
  }
  db.onSweep = (sweep, tx) => {
    const known = journal.sweeps.get(sweep.id)
    const fact = known === undefined ? { sweep, ...at(tx), doneAt: null } : { ...known, sweep }
    if (sweep.done_at !== null) fact.doneAt = scheduler.now()
    journal.sweeps.set(sweep.id, fact)
    if (known === undefined) begun.set(tx, [...(begun.get(tx) ?? []), fact])
    checkSweep({ ...world, journal }, fact)
  }
  db.onSwitch = (before, after, tx) => {
    const fact = { before, after, ...at(tx) }
    journal.switches.push(fact)
    // Its sweep may be written later in the same commit.
    const sweeps = (): SweepFact[] => begun.get(tx) ?? []
    scheduler.after(0, scheduler.owner(), () => checkSwitch({ ...world, journal }, fact, sweeps()))
  }
}

/** These hold at every commit, also where the database itself would refuse. */
const checkMove = (before: OrderRow | undefined, after: OrderRow, broken: (what: string) => void): void => {
  if (before !== undefined && isFinal(before.status) && after.status !== before.status)
    broken(`order ${after.id} left its final status ${before.status}`)
  if (Number(after.filled_quantity) > Number(after.quantity)) broken(`order ${after.id} is filled beyond its quantity`)
}

/** Asked before every event, though it looks through all that followers saw: it looks now and then. */
const nowAndThen = ({ scheduler }: World, holds: () => boolean): (() => boolean) => {
  let nextAt = 0
  return () => {
    if (scheduler.now() < nextAt) return false
    nextAt = scheduler.now() + followersCheckMs
    return holds()
  }
}

type Parts = { world: World; journal: Journal; fleet: Fleet }

/** From the first call until everything has come to rest. */
const runMarket = ({ world, journal, fleet }: Parts): void => {
  const { scheduler, db, server, broker, plan } = world
  const facts = { ...world, journal }
  const clientsDone = startClients(world, fleet, journal)
  startFollowers(world, fleet, journal)
  const engineDone = startEngine(world, journal, clientsDone)
  const tradesSettled = createSettledCheck(facts)
  const healedAt = startTroubles(world, fleet)
  const haveSeenAll = (): boolean => journal.followers.every((record) => haveSeenLast(facts, record))
  const followersRest = nowAndThen(world, haveSeenAll)

  const atRest = (): boolean =>
    scheduler.now() > healedAt + straysMs &&
    clientsDone() &&
    engineDone() &&
    db.outbox.size === 0 &&
    db.open.size === 0 &&
    sweepsRest(db) &&
    fleet.complete() &&
    tradesSettled() &&
    endingsRest(db, plan) &&
    reportsRest(facts) &&
    followersRest()

  if (!scheduler.run(atRest, limitMs))
    world.broken(
      `it never came to rest: clients ${clientsDone()}, engine ${engineDone()}, outbox ${db.outbox.size}, sweeps ${sweepsRest(db)}, ` +
        `trades ${tradesSettled()}, endings ${endingsRest(db, plan)}, reports ${reportsRest(facts)}, replicas ${fleet.complete()}, followers ${haveSeenAll()}`,
    )
  checkAnswers(db, journal, world.broken)
  checkEvents({ db, broker, calm: plan.calm }, journal, world.broken)
  checkTrades(facts)
  checkStops(facts)
  checkHalts(facts)
  checkTradings(facts)
  checkVoids(facts)
  checkSweeps(facts)
  checkEndings(facts)
  checkReports(facts)
  checkLog(facts)
  if (server.deadlocks() > 0) world.broken(`${server.deadlocks()} deadlocks`)
}

/** The database loses its newest part. From then on, followers alone are judged: for everything else there is no promise. */
const runLoss = ({ world, journal, fleet }: Parts, backup: Backup): void => {
  const { scheduler } = world
  const facts = { ...world, journal }
  world.broken = () => undefined
  const { loss, isOver } = lose(world, fleet, journal, backup)
  const followersRest = nowAndThen(world, () => haveSeenAllSince(facts, loss))
  const limit = scheduler.now() + lossLimitMs
  if (!scheduler.run(() => isOver() && followersRest(), limit)) facts.broken('life after the loss never came to rest')
  checkLoss(facts, loss)
}

export const simulate = (seed: number): Run => {
  const lines: string[] = []
  const broken: string[] = []
  const { world, journal } = createWorld(seed, lines, broken)
  const fleet = createFleet(world, (bug) => journal.bugs.push(bug))
  const parts = { world, journal, fleet }
  runMarket(parts)
  if (world.backup !== null && broken.length === 0) runLoss(parts, world.backup)
  return { log: `${lines.join('\n')}\n`, broken }
}
