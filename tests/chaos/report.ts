// The report of a run, for a person and for a program.

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Verdict } from './checker/check.ts'
import type { Violation } from './checker/evidence.ts'
import type { RunState } from './runState.ts'

/** The first hundred violations say as much as a thousand. */
const listedMax = 100

const table = (head: [string, string], rows: Record<string, number | string>): string =>
  [`| ${head.join(' | ')} |`, '| --- | --- |', ...Object.entries(rows).map(([name, n]) => `| ${name} | ${n} |`)].join(
    '\n',
  )

const spread = (values: readonly number[]): string => {
  const sorted = values.toSorted((a, b) => a - b)
  const at = (part: number): string => ((sorted[Math.floor((sorted.length - 1) * part)] ?? 0) / 1000).toFixed(1)
  return `median ${at(0.5)} s, longest ${at(1)} s, of ${sorted.length}`
}

const byName = <T>(counts: Record<string, T>): Record<string, T> =>
  Object.fromEntries(Object.entries(counts).toSorted(([a], [b]) => a.localeCompare(b)))

const markdown = (state: RunState, counts: Verdict['counts'] | null, violations: readonly Violation[]): string => {
  const { dispositions, lives, control, reports, streams, fix, ...rest } = counts ?? {
    dispositions: {},
    lives: {},
    control: {},
    reports: {},
    streams: {},
    fix: {},
  }
  const recoveries = Object.entries(state.recoveriesMs).map(([crash, values]) => [crash, spread(values)] as const)
  return `# Chaos run, seed ${state.seed}

${state.cycles} cycles in ${(state.elapsedMs / 60_000).toFixed(1)} minutes, ${violations.length} violations.

## Faults

${table(['fault', 'times'], byName(state.faults))}

## Bad trades and reports published

${table(['kind', 'messages'], byName(state.injected))}

## What was checked

${table(['', 'number'], { ...rest, deadlocks: state.deadlocks })}

${table(['what stream clients saw', 'number'], streams)}

${table(['sessions of FIX', 'number'], fix)}

${table(['legs by disposition', 'number'], dispositions)}

${table(['reports by disposition', 'number'], byName(reports))}

${table(['of many orders at once, and of trading', 'number'], byName(control))}

${table(['changes that are no fills', 'number'], byName(lives))}

## Recovery

${table(['until both replicas were ready, after', 'time'], byName(Object.fromEntries(recoveries)))}

From the end of the load to an empty outbox and no lag: ${spread(state.restsMs)}.

## Violations

${
  violations.length === 0
    ? 'None.'
    : violations
        .slice(0, listedMax)
        .map(({ kind, detail }) => `- \`${kind}\` ${detail}`)
        .join('\n')
}
`
}

/** `name`.json and `name`.md in `dir`. */
export const writeReport = (
  dir: string,
  name: string,
  { state, verdict, violations }: { state: RunState; verdict: Verdict | null; violations: readonly Violation[] },
): void => {
  const counts = verdict?.counts ?? null
  const { ports: _, ...publicState } = state
  const listed = violations.slice(0, listedMax)
  writeFileSync(
    join(dir, `${name}.json`),
    JSON.stringify({ ...publicState, counts, violationCount: violations.length, violations: listed }, null, 2),
  )
  writeFileSync(join(dir, `${name}.md`), markdown(state, counts, violations))
}
