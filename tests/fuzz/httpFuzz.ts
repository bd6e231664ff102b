// Sends a number of hostile requests to the running binary, many at a time. Every answer is judged at once and everything that is
// stored is judged at the end; for each fault the smallest input is sought.

import { randomStream } from '../support/random.ts'
import type { RunningService } from '../support/service.ts'
import { tradeOf, type World } from '../support/world.ts'
import { bytesOf, callHttpCase, nothing, type CallVerdict } from './httpCall.ts'
import { lawfulOrder } from './orderBodies.ts'
import { caseOf, type HttpCase, type Pool } from './requests.ts'
import { shrinkCase } from './shrink.ts'
import { nothingPromised, storedFaults, type Promises } from './storedOrders.ts'
import { shown, type Violation } from './violation.ts'
import { createWire, type Wire } from './wire.ts'

export type HttpRun = {
  world: World
  service: RunningService
  seed: string
  requests: number
  progress: (done: number) => void
}

export type HttpReport = { requests: number; statuses: Record<string, number>; stored: number; violations: Violation[] }

const clients = 48
const poolOrders = 60
const poolExceptions = 15
const violationsMax = 5

/** Orders to look at and to cancel, and exceptions to resolve. */
const fillPool = async ({ world, service, seed }: HttpRun): Promise<Pool> => {
  const rng = randomStream(`${seed}:pool`)
  const orderIds: string[] = []
  for (let i = 0; i < poolOrders; i++) {
    const reply = await service.http('/orders', { body: lawfulOrder(rng).body.toString() })
    orderIds.push(String(reply.json['id']))
  }
  const wrong = orderIds
    .slice(0, poolExceptions)
    .map((id, i) => tradeOf({ tradeId: `pool-${i}`, buyOrderId: id, ticker: 'WRONG' }))
  await world.publishTrades(...wrong)
  await world.tradesConsumed()
  const { json } = await service.http('/exceptions?limit=500')
  return { orderIds, exceptionIds: (json['exceptions'] as { id: string }[]).map(({ id }) => id).toSorted() }
}

const inputOf = (hostile: HttpCase): string => shown(hostile.kind === 'raw' ? hostile.bytes : bytesOf(hostile))

/** A short name of a fault, by which the shrinker knows it again. */
const kindOf = (fault: string): string => fault.replaceAll(/[0-9"].*/g, '')

const remember = (promised: Promises, hostile: HttpCase, judged: CallVerdict, number: number): void => {
  if (hostile.kind === 'raw' && hostile.userId !== null) promised.perhaps.add(hostile.userId)
  for (const placed of judged.placed) promised.placed.push({ ...placed, number })
  for (const terms of judged.mismatched) promised.mismatched.push({ terms, number })
  for (const key of judged.voided) promised.voided.push({ ...key, number })
  if (judged.resolved !== null) promised.resolved.push({ ...judged.resolved, number })
  for (const id of judged.canceled) promised.canceled.add(id)
}

export const runHttp = async (run: HttpRun): Promise<HttpReport> => {
  const { world, service, seed, requests, progress } = run
  const pool = await fillPool(run)
  const promised = nothingPromised(pool.orderIds)
  const statuses: Record<string, number> = {}
  const faults: { what: string; number: number }[] = []
  let next = 0
  const isOver = (): boolean => next >= requests || faults.length >= violationsMax

  const client = async (): Promise<void> => {
    const wire = createWire(service.port)
    while (!isOver()) {
      const number = next++
      const hostile = caseOf(seed, number, pool)
      const judged = await callHttpCase(wire, hostile).catch((error: unknown): CallVerdict => failed(error))
      statuses[judged.status] = (statuses[judged.status] ?? 0) + 1
      remember(promised, hostile, judged, number)
      if (judged.fault !== null) faults.push({ what: judged.fault, number })
      if (number % 1_000 === 0) progress(number)
    }
    wire.close()
  }
  await Promise.all(Array.from({ length: clients }, client))

  const complaints = [...faults, ...(await storedFaults(world.sql, promised))].slice(0, violationsMax)
  const violations: Violation[] = []
  for (const { what, number } of complaints) violations.push(await smallest(run, { what, number, pool }))
  const [row] = await world.sql<{ count: number }[]>`select count(*)::integer as count from orders`
  return { requests: next, statuses, stored: row!.count, violations }
}

const failed = (error: unknown): CallVerdict => ({
  ...nothing,
  fault: `no connection: ${error instanceof Error ? error.message : String(error)}`,
})

/** The fault of one case by itself: in its answer, or in the row that its answer promised. */
const faultOf = async ({ world }: HttpRun, wire: Wire, hostile: HttpCase): Promise<string | null> => {
  const { fault, placed } = await callHttpCase(wire, hostile).catch(failed)
  if (fault !== null || placed.length === 0) return fault
  const promised = { ...nothingPromised([]), placed: placed.map((one) => ({ ...one, number: 0 })) }
  const faults = await storedFaults(world.sql, promised)
  return faults.find(({ number }) => number === 0)?.what ?? null
}

const smallest = async (
  run: HttpRun,
  { what, number, pool }: { what: string; number: number; pool: Pool },
): Promise<Violation> => {
  if (number === -1) return { what, seed: run.seed, number, input: '(no single request)' }
  const first = caseOf(run.seed, number, pool)
  const wire = createWire(run.service.port)
  const fails = async (hostile: HttpCase): Promise<boolean> => {
    const fault = await faultOf(run, wire, hostile)
    return fault !== null && kindOf(fault) === kindOf(what)
  }
  const best = (await fails(first)) ? await shrinkCase(first, fails) : first
  wire.close()
  return { what, seed: run.seed, number, input: inputOf(best) }
}
