// Turns rounds into figures with their spread; a round whose recount failed does not count.

import type { Measurement } from '../bench.ts'
import { spreadOf, type Spread } from '../measure/statistics.ts'
import type { WorkloadName } from '../options.ts'

export type CellSummary = {
  workload: WorkloadName
  cell: string
  figures: Record<string, Spread>
  /** Median shares of one core, in percent. */
  cpu: Record<string, number>
  /** Rounds that do not count, and why. */
  invalid: { round: number; faults: string[] }[]
}

const spreads = (records: readonly Record<string, number>[]): Record<string, Spread> => {
  const names = [...new Set(records.flatMap((record) => Object.keys(record)))]
  const valuesOf = (name: string): number[] =>
    records.flatMap((record) => (record[name] === undefined || Number.isNaN(record[name]) ? [] : [record[name]]))
  return Object.fromEntries(
    names
      .map((name) => [name, valuesOf(name)] as const)
      .flatMap(([name, values]) => (values.length === 0 ? [] : [[name, spreadOf(values)]])),
  )
}

/** One for each cell, in the order in which they were first measured. */
export const summarise = (measurements: readonly Measurement[]): CellSummary[] =>
  [...Map.groupBy(measurements, ({ workload, cell }) => `${workload} ${cell}`).values()].map((rounds) => {
    const valid = rounds.filter(({ recount }) => recount.ok)
    const { workload, cell } = rounds[0]!
    return {
      workload,
      cell,
      figures: spreads(valid.map(({ figures }) => figures)),
      cpu: Object.fromEntries(
        Object.entries(spreads(valid.map(({ cpu }) => cpu))).map(([name, { median }]) => [name, Math.round(median)]),
      ),
      invalid: rounds
        .filter(({ recount }) => !recount.ok)
        .map(({ round, recount }) => ({ round, faults: recount.faults })),
    }
  })
