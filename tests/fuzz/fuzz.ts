// One run of both fuzzers against one service. The process is watched all the while: it must stay alive, its memory bounded, its
// log free of failures of its own, and its health good at the end.

import type { RunningService } from '../support/service.ts'
import { until } from '../support/until.ts'
import type { World } from '../support/world.ts'
import { runHttp } from './httpFuzz.ts'
import { residentMb, watchMemory } from './process.ts'
import { runTrades } from './tradeFuzz.ts'
import type { Violation } from './violation.ts'

export type FuzzOptions = { seed: string; requests: number; messages: number; say: (line: string) => void }

export type FuzzReport = {
  requests: number
  messages: number
  violations: Violation[]
  statuses: Record<string, number>
}

/** Far above normal use (100 to 300 MB), far below a service that holds bodies in memory. */
const memoryMbMax = 1_000
/** The queues are far from their limits, so the service may refuse hardly anything as overloaded. */
const overloadedShareMax = 0.01

/** The messages with which the service logs a failure of its own. */
const bugLines = ['a request failed', 'a batch failed', 'a trade could not be stored', 'a bug stopped the service']

const seconds = (since: number): string => `${((performance.now() - since) / 1_000).toFixed(0)} s`
const counts = (found: Record<string, number>): string =>
  Object.entries(found)
    .map(([name, count]) => `${name} ${count}`)
    .join(', ')

/** The faults that only the process as a whole shows. */
const healthFaults = async (service: RunningService, highestMb: number, overloadedShare: number): Promise<string[]> => {
  const faults: string[] = []
  const isUp = async () => (await service.http('/actuator/health')).json['status'] === 'UP'
  const up = await until(isUp, { what: 'health is UP' }).catch(() => false)
  if (!up) faults.push(`the service is not well at the end: ${(await service.http('/actuator/health')).text}`)
  if (highestMb > memoryMbMax) faults.push(`resident memory reached ${highestMb.toFixed(0)} MB`)
  if (overloadedShare > overloadedShareMax)
    faults.push(`${(overloadedShare * 100).toFixed(1)} % of the answers were 503`)
  for (const { message, error } of service.log)
    if (bugLines.includes(message)) faults.push(`the log says "${message}": ${JSON.stringify(error)}`)
  if (service.noise() !== '') faults.push(`it wrote what is no log line: ${service.noise().slice(0, 500)}`)
  return faults.slice(0, 5)
}

export const fuzz = async (world: World, { seed, requests, messages, say }: FuzzOptions): Promise<FuzzReport> => {
  const service = await world.start()
  const memory = watchMemory(service.pid)
  const violations: Violation[] = []
  let startedAt = performance.now()
  const common = { world, service, seed }
  const http = await runHttp({
    ...common,
    requests,
    progress: (done) => say(`${done} requests, ${seconds(startedAt)}`),
  })
  violations.push(...http.violations)
  say(`answers: ${counts(http.statuses)}; ${http.stored} orders stored; ${seconds(startedAt)}`)

  startedAt = performance.now()
  const trades = await runTrades({
    ...common,
    messages,
    progress: (done) => say(`${done} messages sent, ${seconds(startedAt)}`),
  })
  violations.push(...trades.violations)
  const highestMb = memory.stop()
  say(`legs: ${counts(trades.dispositions)}; ${seconds(startedAt)}`)
  say(`resident memory: ${residentMb(service.pid).toFixed(0)} MB, at most ${highestMb.toFixed(0)} MB`)

  const overloadedShare = (http.statuses['503'] ?? 0) / Math.max(1, http.requests)
  for (const what of await healthFaults(service, highestMb, overloadedShare))
    violations.push({ what, seed, number: -1, input: '(the whole run)' })
  const exitCode = await service.stop()
  if (exitCode !== 0) violations.push({ what: `it ended with ${exitCode}`, seed, number: -1, input: '(the whole run)' })
  return { requests: http.requests, messages: trades.messages, violations, statuses: http.statuses }
}
