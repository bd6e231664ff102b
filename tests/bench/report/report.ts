// The report of a run as files: report.json for programs, report.md for people, and the plots that it shows.

import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { spreadOf } from '../measure/statistics.ts'
import type { BenchState } from '../state.ts'
import { growthSizes } from '../workloads/w6.ts'
import { goalPlans, growthPlans, ratioOf, ratioPlans, valuesByRound, type Ratio } from './bars.ts'
import { markdownReport, type ReportParts } from './markdown.ts'
import { plotsOf } from './plots.ts'
import { summarise } from './summary.ts'
import { lineChart } from './svg.ts'

export const ratiosOf = ({ measurements, scale }: BenchState): Ratio[] => {
  const measured = new Set(measurements.map(({ workload }) => workload))
  const plans = [...ratioPlans, ...growthPlans(growthSizes(scale))].filter(({ over }) => measured.has(over.workload))
  return plans.map((plan) => ratioOf(plan, measurements))
}

const goalsOf = ({ measurements }: BenchState): ReportParts['goals'] => {
  const measured = new Set(measurements.map(({ workload }) => workload))
  return goalPlans
    .filter(({ of }) => measured.has(of.workload))
    .map((plan) => {
      const values = [...valuesByRound(plan.of, measurements).values()]
      return { plan, spread: values.length === 0 ? null : spreadOf(values) }
    })
}

/** Replaces an earlier report in the folder. */
export const writeReport = (dir: string, state: BenchState, titles: ReportParts['titles']): void => {
  rmSync(dir, { recursive: true, force: true })
  mkdirSync(dir, { recursive: true })
  const cells = summarise(state.measurements)
  const plots = plotsOf(cells, state.measurements)
  const ratios = ratiosOf(state)
  const goals = goalsOf(state)
  const { startedAt, machine, scale, measurements } = state
  for (const { file, chart } of plots) writeFileSync(join(dir, file), lineChart(chart))
  writeFileSync(
    join(dir, 'report.json'),
    `${JSON.stringify({ startedAt, machine, scale, ratios, goals, cells, measurements }, null, 2)}\n`,
  )
  const parts = { startedAt, machine: machine!, ratios, goals, cells, titles }
  const summary = plots.map(({ file, chart }) => ({ file, title: chart.title }))
  writeFileSync(join(dir, 'report.md'), markdownReport({ ...parts, plots: summary }))
}

/** Copies a report without its single rounds, which are long and interest nobody later. */
export const publishReport = (from: string, to: string): void => {
  rmSync(to, { recursive: true, force: true })
  cpSync(from, to, { recursive: true })
  const { measurements: _, ...summary } = JSON.parse(readFileSync(join(from, 'report.json'), 'utf8')) as Record<
    string,
    unknown
  >
  writeFileSync(join(to, 'report.json'), `${JSON.stringify(summary, null, 2)}\n`)
}
