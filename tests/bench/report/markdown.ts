// The report for people.

import type { Spread } from '../measure/statistics.ts'
import type { WorkloadName } from '../options.ts'
import type { Machine } from '../world/machine.ts'
import { barText, meets, type GoalPlan, type Ratio } from './bars.ts'
import type { CellSummary } from './summary.ts'

export type ReportParts = {
  startedAt: string
  machine: Machine
  ratios: readonly Ratio[]
  goals: readonly { plan: GoalPlan; spread: Spread | null }[]
  cells: readonly CellSummary[]
  titles: Readonly<Partial<Record<WorkloadName, string>>>
  plots: readonly { file: string; title: string }[]
}

/** Three significant digits where there is a fraction, whole numbers with separators above. */
export const numberText = (value: number): string => {
  if (Math.abs(value) >= 100) return Math.round(value).toLocaleString('en-US')
  return String(Number(value.toPrecision(3)))
}

export const spreadText = ({ median, min, max, rounds }: Spread): string =>
  rounds === 1 ? numberText(median) : `${numberText(median)} (${numberText(min)} to ${numberText(max)})`

const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n')

const machineTable = (machine: Machine): string => {
  const { postgresSettings, ...rest } = machine
  const settings = Object.entries(postgresSettings).map(([name, value]) => `${name} ${value}`)
  const rows = Object.entries(rest).map(([name, value]) => [name, String(value)])
  return table(['', ''], [...rows, ['Postgres settings', settings.join(', ')]])
}

const verdict = ({ bar, spread }: Ratio): string => {
  if (spread === null) return 'not measured'
  return bar === null ? '' : meets(bar, spread.median) ? 'met' : '**not met**'
}

const ratioTable = (ratios: readonly Ratio[]): string =>
  table(
    ['ratio', 'against', 'median (min to max)', 'bar', ''],
    ratios.map((ratio) => [
      ratio.name,
      ratio.says,
      ratio.spread === null ? '–' : spreadText(ratio.spread),
      ratio.bar === null ? '' : barText(ratio.bar),
      verdict(ratio),
    ]),
  )

const goalTable = (goals: ReportParts['goals']): string =>
  table(
    ['figure', 'median (min to max)', 'unit', 'goal'],
    goals.map(({ plan, spread }) => [
      plan.name,
      spread === null ? '–' : spreadText(spread),
      plan.unit,
      barText(plan.goal),
    ]),
  )

const mainFigures = ['perSecond', 'p50Ms', 'p99Ms', 'p999Ms'] as const
const isMain = (name: string): boolean => mainFigures.some((figure) => figure === name)

const cpuText = (cpu: Record<string, number>): string =>
  Object.entries(cpu)
    .filter(([name]) => name !== 'harness')
    .map(([name, share]) => `${name} ${share}`)
    .join(', ')

const workloadSection = (title: string, cells: readonly CellSummary[]): string => {
  const main = table(
    ['', 'a second', 'p50 ms', 'p99 ms', 'p99.9 ms', '% of a core'],
    cells.map(({ cell, figures, cpu }) => [
      cell,
      ...mainFigures.map((name) => (figures[name] ? spreadText(figures[name]) : '')),
      cpuText(cpu),
    ]),
  )
  const others = cells.flatMap(({ cell, figures }) =>
    Object.entries(figures)
      .filter(([name]) => !isMain(name))
      .map(([name, spread]) => [cell, name, spreadText(spread)]),
  )
  const invalid = cells.flatMap(({ cell, invalid }) =>
    invalid.map(({ round, faults }) => `- ${cell}, round ${round}: ${faults.join('; ')}`),
  )
  return [
    `## ${title}`,
    main,
    ...(others.length === 0 ? [] : [table(['', 'figure', 'median (min to max)'], others)]),
    ...(invalid.length === 0 ? [] : [`Invalid, and in no figure above:\n\n${invalid.join('\n')}`]),
  ].join('\n\n')
}

export const markdownReport = (parts: ReportParts): string => {
  const byWorkload = Map.groupBy(parts.cells, ({ workload }) => workload)
  return `${[
    '# Benchmark',
    `Written by \`bun run bench\`, begun ${parts.startedAt.slice(0, 16).replace('T', ' ')} UTC. What is measured and how: tests/bench/README.md.`,
    '## Ratios',
    'Both sides of a ratio were measured in turn in the same rounds; the ratio is taken round by round.',
    ratioTable(parts.ratios),
    '## Absolute figures and their goals',
    'They are this machine’s: goals, not pass or fail.',
    goalTable(parts.goals),
    ...parts.plots.map(({ file, title }) => `![${title}](${file})`),
    ...[...byWorkload].map(([name, cells]) => workloadSection(`${name}: ${parts.titles[name] ?? ''}`, cells)),
    '## Machine',
    machineTable(parts.machine),
  ].join('\n\n')}\n`
}
