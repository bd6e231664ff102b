// A whole run: cycle after cycle, a glance after each, the full check at rest every so often and at the end. It stops at the
// first look that finds a violation, so that what it leaves behind is close to the cause.

import { join } from 'node:path'
import { randomStream } from '../support/random.ts'
import type { Verdict } from './checker/check.ts'
import type { Violation } from './checker/evidence.ts'
import { acknowledgedBy } from './checker/requests.ts'
import { openClientLog, readClientLog } from './clientLog.ts'
import { startClients, type Clients } from './clients.ts'
import { runCycle } from './cycle.ts'
import { startFirms, type Firms } from './fix/firms.ts'
import { fixDir } from './fix/fixLog.ts'
import { createGlance } from './glance.ts'
import { startInjector, type Injector } from './injector.ts'
import { judge } from './judge.ts'
import type { Options } from './options.ts'
import { planCycles, type CyclePlan } from './plan.ts'
import { comeToRest } from './rest.ts'
import { addTo, writeState, type RunState } from './runState.ts'
import { startStreams, streamDir, type Streams } from './streams/control.ts'
import type { World } from './world.ts'

export type Outcome = { violations: Violation[]; verdict: Verdict | null; acked: number }

type Run = {
  world: World
  state: RunState
  clients: Clients
  injector: Injector
  streams: Streams
  firms: Firms
  logFile: string
  isTimeUp: () => boolean
}

const fullCheckEvery = 25
const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`

const say = (line: string): void => console.log(`${new Date().toISOString().slice(11, 19)} ${line}`)

const fullCheck = async ({ world, state, clients, injector, streams, firms, logFile }: Run): Promise<Verdict> => {
  firms.pause()
  await Promise.all([clients.pause(), injector.pause()])
  const { rest, tookMs } = await comeToRest(world)
  state.restsMs.push(tookMs)
  state.deadlocks = world.deadlocks()
  const restedAt = performance.now()
  const undrained = await streams.drain()
  await firms.drain()
  const startedAt = performance.now()
  const verdict = await judge({
    databaseUrl: world.databaseUrl,
    bootstrap: world.kafka.bootstrap,
    logFile,
    streamDir: streamDir(world.dir),
    fixDir: fixDir(world.dir),
    rest,
  })
  const { ordersAcked, eventRepeats, dispositions, logEntries, streams: seen, fix } = verdict.counts
  say(
    `full check: ${verdict.violations.length} violations; ${ordersAcked} orders acknowledged, ${eventRepeats} events repeated, ` +
      `${dispositions.APPLIED + dispositions.LATE} legs applied, ${dispositions.DUPLICATE} duplicates; ` +
      `at rest after ${seconds(tookMs)}, checked in ${seconds(performance.now() - startedAt)}`,
  )
  say(
    `streams: ${seen.clients} clients saw ${seen.events} events of a log of ${logEntries} entries over ${seen.connections} connections, ` +
      `${seen.resumptions} resumed, ${seen.repeats} events repeated, ${seen.lagging} cut off as too slow, ${seen.resets} resets; ` +
      `${undrained} not at the end after ${seconds(startedAt - restedAt)}`,
  )
  say(
    `FIX: ${fix.sent} orders and cancels in ${fix.sessions} sessions, ${fix.reports} reports, ${fix.otherAnswers} other answers, ` +
      `${fix.resent} came again; ${firms.said()}`,
  )
  return verdict
}

const describePlan = ({ crash, crashOf, companion, companionOf }: CyclePlan): string => {
  const name = (index: 0 | 1): string => ['a', 'b'][index]!
  const first = crash.startsWith('kill') && crash !== 'kill replica' ? crash : `${crash} (${name(crashOf)})`
  return companion === 'none'
    ? first
    : `${first} + ${companion}${companion === 'third member' ? '' : ` (${name(companionOf)})`}`
}

const cycles = async (run: Run, plans: readonly CyclePlan[]): Promise<Outcome> => {
  const { world, state, clients, injector, streams, firms } = run
  const glance = createGlance(world)
  let verdict: Verdict | null = null
  for (const plan of plans.slice(state.cycles)) {
    injector.goOn()
    await streams.goOn()
    firms.goOn()
    const cycle = await runCycle(world, clients, plan, (fault) => addTo(state.faults, fault))
    ;(state.recoveriesMs[plan.crash] ??= []).push(cycle.recoveryMs)
    const findings = await glance.look(cycle.acked)
    state.cycles = plan.cycle
    state.elapsedMs += cycle.tookMs
    writeState(world.dir, state)
    say(
      `cycle ${plan.cycle}/${plans.length}  ${describePlan(plan)}  ${seconds(cycle.tookMs)}, ready after ${seconds(cycle.recoveryMs)}, ` +
        `${cycle.acked.length} orders (${clients.acked()})${findings.length === 0 ? '' : `  ${findings.length} VIOLATIONS`}`,
    )
    const last = plan.cycle === plans.length || run.isTimeUp() || findings.length > 0
    if (last || plan.cycle % fullCheckEvery === 0) verdict = await fullCheck(run)
    const violations = [...findings, ...(verdict?.violations ?? [])]
    if (last || violations.length > 0)
      return { violations, verdict, acked: verdict?.counts.ordersAcked ?? clients.acked() }
  }
  verdict = await fullCheck(run)
  return { violations: verdict.violations, verdict, acked: verdict.counts.ordersAcked }
}

/** Runs what is left of the cycles in a world that was just started. */
export const runAll = async (
  world: World,
  state: RunState,
  { cycles: count, minutes, streams: followers }: Pick<Options, 'cycles' | 'minutes' | 'streams'>,
): Promise<Outcome> => {
  const logFile = join(world.dir, 'client.jsonl')
  const log = openClientLog(logFile)
  const acked = new Set(readClientLog(logFile).flatMap((line) => acknowledgedBy(line).map(({ id }) => id)))
  const rng = (name: string) => randomStream(state.seed, name, state.cycles)
  const urls = world.replicas.map((replica) => replica.url)
  const clients = startClients({ urls, log, rng: rng('clients'), acked })
  const onPublished = (kind: string, messages: number) => addTo(state.injected, kind, messages)
  const injector = startInjector({ side: world.side, clients, rng: rng('injector'), onPublished })
  const streams = await startStreams({
    dir: streamDir(world.dir),
    clients: followers,
    urls,
    ordersLog: logFile,
    seed: state.seed + state.cycles,
  })
  const firms = await startFirms({
    dir: world.dir,
    ports: [state.ports.fixA, state.ports.fixB],
    log,
    rng: rng('firms'),
  })
  const endsAt = performance.now() + (minutes ?? Infinity) * 60_000
  const isTimeUp = () => performance.now() >= endsAt
  try {
    const run = { world, state, clients, injector, streams, firms, logFile, isTimeUp }
    return await cycles(run, planCycles(state.seed, count))
  } finally {
    firms.pause()
    await Promise.all([clients.pause(), injector.pause(), streams.stop(), firms.close()])
    clients.close()
    log.close()
  }
}
