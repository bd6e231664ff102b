// The limits: what pgbench gets out of the same Postgres, the same tables and the same rows without any service in between.

import { basename, join } from 'node:path'
import { runCommand } from './command.ts'

export type LimitScript = 'L1' | 'L2' | 'L3' | 'L5' | 'L6' | 'L8'

export type PgbenchResult = {
  transactions: number
  failed: number
  perSecond: number
  meanMs: number
  cpuSeconds: number
}

const limitFile = (name: LimitScript): string => join(import.meta.dir, '..', 'limits', `${name}.sql`)

const clients = 16
const threads = 2

const numberAfter = (output: string, label: RegExp): number => {
  const found = label.exec(output)?.[1]
  if (found === undefined) throw new Error(`pgbench did not say ${label.source}:\n${output}`)
  return Number(found)
}

export const parsePgbench = (output: string): Omit<PgbenchResult, 'cpuSeconds'> => ({
  transactions: numberAfter(output, /^number of transactions actually processed: (\d+)/m),
  failed: numberAfter(output, /^number of failed transactions: (\d+)/m),
  perSecond: numberAfter(output, /^tps = ([\d.]+)/m),
  meanMs: numberAfter(output, /^latency average = ([\d.]+) ms/m),
})

/** Over TCP with prepared statements, as the service talks to Postgres. */
export const runPgbench = async (plan: {
  pgbench: string
  url: string
  script: LimitScript
  seconds: number
  variables?: Record<string, number>
}): Promise<PgbenchResult> => {
  const { hostname, port, username, password, pathname } = new URL(plan.url)
  const where = ['-h', hostname, '-p', port, '-U', username]
  const shape = ['-n', '-M', 'prepared', '-c', `${clients}`, '-j', `${threads}`, '-T', `${plan.seconds}`]
  const variables = Object.entries(plan.variables ?? {}).flatMap(([name, value]) => ['-D', `${name}=${value}`])
  const { output, cpuSeconds } = await runCommand(
    [plan.pgbench, ...where, ...shape, ...variables, '-f', limitFile(plan.script), basename(pathname)],
    { env: { PGPASSWORD: password } },
  )
  return { ...parsePgbench(output), cpuSeconds }
}
