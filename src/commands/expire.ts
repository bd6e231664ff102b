// `orders expire`: ends open orders that no clock ends, because they are of before 1.4 or good till canceled.

import { parseArgs } from 'node:util'
import { expireOld, type ExpireOld } from '../app/expireOld.ts'
import { ageFault, ageOf } from '../config/age.ts'
import { readConfig, type Config } from '../config/config.ts'
import type { Env } from '../config/env.ts'
import { canonicalUuid } from '../domain/ids.ts'
import { canonicalTicker } from '../domain/patterns.ts'
import { printFaults, requirePlace } from '../serve/schemaStart.ts'
import { walkByIndex } from '../store/endless.ts'
import { requireSchema } from '../store/migrate.ts'
import { migrations } from '../store/migrations.ts'
import { openSession, useOwnSettings } from '../store/sql.ts'
import { describe } from '../telemetry/log.ts'
import { createProgress, printLine } from '../telemetry/terminal.ts'

export const usage = `orders expire --older-than <n>d|h|m|s [--user <uuid>] [--ticker <ticker>] [--dry-run]
  --older-than   how long ago they were accepted at least, such as 90d
  --dry-run      only counts them
Orders with an expiresAt are left alone: they end by the clock.
`

type Options = Omit<ExpireOld, 'onProgress'>

const readOptions = (args: readonly string[]): Options | string => {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        'older-than': { type: 'string' },
        user: { type: 'string' },
        ticker: { type: 'string' },
        'dry-run': { type: 'boolean', default: false },
      },
    })
    const ageMs = ageOf(values['older-than'] ?? '')
    const userId = values.user === undefined ? null : canonicalUuid(values.user)
    const ticker = values.ticker === undefined ? null : canonicalTicker(values.ticker)
    if (ageMs === null) return `--older-than is required, and ${ageFault}`
    if (values.user !== undefined && userId === null) return '--user must be a UUID'
    if (values.ticker !== undefined && ticker === null) return '--ticker is no ticker'
    return { ageMs, userId, ticker, dryRun: values['dry-run'] }
  } catch (error) {
    return describe(error).error
  }
}

const expire = async (config: Config, options: Options): Promise<void> => {
  const sql = openSession(config.database, config.DB_CONNECT_TIMEOUT_MS)
  const progress = createProgress(process.stderr)
  try {
    // It waits for locked orders while it holds others, which nobody fills meanwhile.
    await useOwnSettings(sql, { lockTimeoutMs: config.DB_LOCK_TIMEOUT_MS })
    await requirePlace(sql, config)
    await requireSchema(sql, migrations)
    await walkByIndex(sql)
    const onProgress = (orders: number): void => progress.show('orders', orders, null)
    const { known, waiting } = await expireOld({ run: (statement) => statement(sql) }, { ...options, onProgress })
    progress.clear()
    await printLine(
      options.dryRun
        ? `${known + waiting} orders would end: ${known} that an engine knows, ${waiting} stops that wait for their price`
        : `${known} orders end: the running service tells the engine, and each is EXPIRED once the trade topic was read; ${waiting} waiting stops are EXPIRED now`,
    )
  } finally {
    progress.clear()
    await sql.end({ timeout: 1 }).catch(() => undefined)
  }
}

/** Exit codes: 0 done, 1 it failed on the way (repeating it is safe), 2 bad arguments or configuration. */
export const expireCommand = async (env: Env, args: readonly string[]): Promise<number> => {
  const options = readOptions(args)
  if (typeof options === 'string') {
    process.stderr.write(`orders: ${options}\n${usage}`)
    return 2
  }
  const result = readConfig(env)
  if (!result.ok) {
    printFaults(result.faults)
    return 2
  }
  try {
    await expire(result.config, options)
    return 0
  } catch (error) {
    process.stderr.write(`orders: could not expire: ${describe(error).error}\n`)
    return 1
  }
}
