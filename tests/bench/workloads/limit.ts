// A limit as a cell: pgbench with one of the committed scripts on a database of its own, counted afterwards like any other run.

import type { Bench, Cell, Measured } from '../bench.ts'
import { startCpuMeter } from '../measure/cpu.ts'
import { runPgbench, type LimitScript } from '../measure/pgbench.ts'
import { judgeRows, type Recount } from '../recount/recount.ts'
import { openTrial, type Trial, type TrialOptions } from '../world/trial.ts'

export type LimitPlan = {
  script: LimitScript
  title: string
  /** Rows that one transaction reads or writes; null where that differs, and the ledger is counted instead. */
  rows: number | null
  /** The table that gets them; null for a limit that only reads. */
  table: 'orders' | 'ingested_fills' | null
  /** Its database, a new one of the service's schema unless told otherwise. */
  on?: () => Promise<TrialOptions>
  variables?: Record<string, number>
}

/** Connections, plans and caches; there is no code to warm up. */
const warmupSeconds = 1

const countRows = async ({ sql }: Trial, table: string): Promise<number> =>
  (await sql<{ rows: number }[]>`select count(*)::integer as rows from ${sql(table)}`)[0]!.rows

export const limitCell = (bench: Bench, plan: LimitPlan): Cell => ({
  name: `${plan.script} ${plan.title}`,
  run: async (): Promise<Measured> => {
    await using trial = await openTrial(bench.world, await plan.on?.())
    const { pgbench } = bench.tools
    const { script, table, rows, variables = {} } = plan
    const common = { pgbench, url: trial.databaseUrl, script, variables }
    const before = table === null ? 0 : await countRows(trial, table)
    const warm = await runPgbench({ ...common, seconds: warmupSeconds })
    const between = table === null ? 0 : await countRows(trial, table)
    const meter = startCpuMeter({ postgres: bench.world.postgres.pid })
    const result = await runPgbench({ ...common, seconds: bench.scale.seconds })
    const cpu = { ...meter.stop(), pgbench: Math.round((result.cpuSeconds / bench.scale.seconds) * 100) }
    const after = table === null ? 0 : await countRows(trial, table)
    const recount = judge(plan, { result: warm, rows: between - before }, { result, rows: after - between })
    const perTransaction = rows ?? (after - between) / result.transactions
    return { figures: { perSecond: result.perSecond * perTransaction, meanMs: result.meanMs }, cpu, recount }
  },
})

type Counted = { result: { transactions: number; failed: number }; rows: number }

const judge = ({ table, rows }: LimitPlan, ...runs: readonly Counted[]): Recount => {
  const failed = runs.reduce((sum, { result }) => sum + result.failed, 0)
  if (failed > 0) return { ok: false, faults: [`${failed} transactions failed`], facts: { failed } }
  const transactions = runs.reduce((sum, { result }) => sum + result.transactions, 0)
  if (table === null || rows === null) return { ok: true, faults: [], facts: { transactions } }
  const found = runs.reduce((sum, run) => sum + run.rows, 0)
  return judgeRows(table, transactions * rows, found)
}
