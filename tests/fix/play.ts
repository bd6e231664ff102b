// Plays rows of the matrices at a door, and counts them. A door is whatever takes orders: the domain, HTTP with Kafka, one day FIX.

import { playsOf, type Cause, type Play } from './forms.ts'
import { awaited, type Scenario } from './matrices.ts'
import type { ExecutionReport, OrderCancelReject } from './words.ts'

/** A report as a client saw it, in FIX's words. `avgPx`: null before the first fill. */
export type SeenReport = Omit<
  ExecutionReport,
  'clOrdId' | 'origClOrdId' | 'lastPx' | 'avgPx' | 'execRestatementReason' | 'optional'
> & {
  avgPx: number | null
}
/** What a client saw of a cause. */
export type Seen = SeenReport | Omit<OrderCancelReject, 'clOrdId' | 'origClOrdId'>

/** One client with its orders X, Y and Z, and the engine and market that they meet. It answers once the cause has done all that it will do. */
type Session = (cause: Cause) => Promise<Seen>
export type Door = () => Session

const wrong = (member: string, expected: unknown, seen: unknown): string[] =>
  Object.is(expected, seen) ? [] : [`${member} is ${String(seen)}, not ${String(expected)}`]

/** Where what was seen is not what the row says. What the row leaves open is not compared. */
const differences = (expected: ExecutionReport | OrderCancelReject, seen: Seen): string[] => {
  if (expected.message === 'OrderCancelReject') {
    if (seen.message !== 'OrderCancelReject') return [`an ${seen.message} ${seen.execType}, not an OrderCancelReject`]
    return [
      ...wrong('OrdStatus', expected.ordStatus, seen.ordStatus),
      ...wrong('CxlRejReason', expected.cxlRejReason, seen.cxlRejReason),
      ...wrong('OrderID', expected.orderId, seen.orderId),
    ]
  }
  if (seen.message !== 'ExecutionReport') return [`an OrderCancelReject (${seen.ordStatus}), not an ExecutionReport`]
  return [
    ...wrong('ExecType', expected.execType, seen.execType),
    ...wrong('OrdStatus', expected.ordStatus, seen.ordStatus),
    ...wrong('OrderQty', expected.orderQty, seen.orderQty),
    ...wrong('CumQty', expected.cumQty, seen.cumQty),
    ...wrong('LeavesQty', expected.leavesQty, seen.leavesQty),
    ...(expected.lastQty === null ? [] : wrong('LastQty', expected.lastQty, seen.lastQty)),
    ...(expected.avgPx === undefined ? [] : wrong('AvgPx', expected.avgPx, seen.avgPx)),
    ...wrong('OrdRejReason', expected.ordRejReason, seen.ordRejReason),
    ...wrong('OrderID', expected.orderId, seen.orderId),
  ]
}

const playOne = async ({ name, acts }: Play, door: Door): Promise<string[]> => {
  const session = door()
  const faults: string[] = []
  for (const [index, { cause, expect }] of acts.entries()) {
    const seen = await session(cause)
    faults.push(
      ...differences(expect, seen).map((fault) => `${name}, act ${index + 1} (${JSON.stringify(cause)}): ${fault}`),
    )
  }
  return faults
}

/** Everything that a row lets be played, in all its forms. Answers the faults; an exception is one. */
export const playRow = async (row: Scenario, door: Door): Promise<string[]> => {
  const faults = await Promise.all(
    playsOf(row).map((play) => playOne(play, door).catch((error: unknown) => [`${play.name}: ${String(error)}`])),
  )
  return faults.flat()
}

/** Rows beyond the reach of a door by its nature, each with why. */
export type OutOfReach = Readonly<Record<string, string>>

/** What a row is at a door that does not reach some rows. */
const standing = ({ id, applies }: Scenario, outOfReach: OutOfReach): Scenario['applies'] =>
  outOfReach[id] === undefined ? applies : { is: 'not applicable', reason: outOfReach[id] }

const listed = (groups: ReadonlyMap<string, readonly string[]>): string =>
  [...groups].map(([reason, ids]) => `${ids.join(' ')}: ${reason}`).join('; ')

/**
 * The line of a runner, and what is wrong with its count. `results`: the faults of each row that was played. A row that is applicable and has no
 * result is a fault, as is a result of a row that is unknown.
 */
export const count = (
  rows: readonly Scenario[],
  results: ReadonlyMap<string, readonly string[]>,
  outOfReach: OutOfReach = {},
): { line: string; faults: string[] } => {
  const faults: string[] = []
  const sums = { applicable: 0, passed: 0, 'not yet': 0, 'not applicable': 0 }
  const waiting = new Map<string, string[]>()
  const excluded = new Map<string, string[]>()
  const under = (groups: Map<string, string[]>, reason: string, id: string) =>
    groups.set(reason, [...(groups.get(reason) ?? []), id])
  for (const row of rows) {
    const applies = standing(row, outOfReach)
    sums[applies.is]++
    const result = results.get(row.id)
    if (applies.is === 'applicable' && result === undefined) faults.push(`${row.id} is applicable and was not played`)
    if (applies.is === 'applicable' && result?.length === 0) sums.passed++
    if (applies.is === 'not yet') under(waiting, awaited[applies.needs], row.id)
    if (applies.is === 'not applicable') under(excluded, applies.reason, row.id)
  }
  const ids = new Set(rows.map(({ id }) => id))
  if (ids.size !== rows.length) faults.push('two rows have one id')
  faults.push(
    ...Object.keys(outOfReach)
      .concat([...results.keys()])
      .filter((id) => !ids.has(id))
      .map((id) => `there is no row ${id}`),
  )
  if (sums.applicable + sums['not yet'] + sums['not applicable'] !== rows.length)
    faults.push(`the counts are those of other than ${rows.length} rows`)
  for (const [id, result] of results) if (result.length > 0) faults.push(`${id} did not pass`)
  const reasons = [`not yet: ${listed(waiting)}`, `not applicable: ${listed(excluded)}`].join(' · ')
  const line = `applicable ${sums.applicable}, passed ${sums.passed}, not yet ${sums['not yet']}, not applicable ${sums['not applicable']} (${reasons})`
  return { line, faults }
}
