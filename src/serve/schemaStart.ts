// Migrates or checks the schema at the start.

import { sleep } from '../app/sleep.ts'
import type { Config } from '../config/config.ts'
import { adoptedSchema, isTakenOver } from '../store/adoptedPlace.ts'
import { brokenGuards, readReplicationRole } from '../store/brokenGuards.ts'
import { useSchema } from '../store/connection.ts'
import { beginEpoch } from '../store/log.ts'
import { migrate, MigrationRefused, requireSchema } from '../store/migrate.ts'
import { migrations } from '../store/migrations.ts'
import { requirePositions } from '../store/positions.ts'
import { requireFirstSchema } from '../store/searchPath.ts'
import { requireSettings } from '../store/sessionSettings.ts'
import { openSession, useFormats, type Sql } from '../store/sql.ts'
import { createLog, describe, type Log } from '../telemetry/log.ts'
import { createOutput } from '../telemetry/output.ts'

/**
 * Checks what must hold before anything is read or created: sessions get the settings of the pools, and the schema exists. In a database that
 * was taken over from the Java service, this session and all that are opened later use the schema of the copy.
 * Throws MigrationRefused, whose message says what to change.
 */
export const requirePlace = async (sql: Sql, config: Config): Promise<void> => {
  if (await isTakenOver(sql)) {
    useSchema(config.database, adoptedSchema)
    await sql`select set_config('search_path', ${adoptedSchema}, false)`
  }
  await requireSettings(config.database, {
    connections: 1,
    connectTimeoutMs: config.DB_CONNECT_TIMEOUT_MS,
    lockTimeoutMs: config.DB_LOCK_TIMEOUT_MS,
    statementTimeoutMs: config.DB_STATEMENT_TIMEOUT_MS,
  })
  await requireFirstSchema(sql)
}

/** One attempt, on a connection of its own. Returns the names of the migrations that were applied now. */
export const prepareSchema = async (
  config: Config,
  log: Log,
  { migrating }: { migrating: boolean },
): Promise<string[]> => {
  const sql = openSession(config.database, config.DB_CONNECT_TIMEOUT_MS)
  try {
    await requirePlace(sql, config)
    await useFormats(sql)
    const applied = migrating
      ? await migrate(sql, {
          migrations,
          onWait: () => log.info('another replica is migrating; waiting for it'),
          onBusy: (name, holders) =>
            log.warn('somebody holds a table that a migration needs; it is tried again', { name, holders }),
          onApplied: (name) => log.info('migration applied', { name }),
        })
      : []
    await requireSchema(sql, migrations)
    await requirePositions(sql)
    // Before anything is written: whoever reads the log by transaction ids must not take those of another cluster for ours.
    await beginEpoch(sql)
    // Logged, not refused: the service keeps its promises without the guards; they stop everybody else.
    for (const { kind, table, name, state } of await brokenGuards(sql))
      log.error('a guard of the tables is not in force: put it back as in sql/, then run verify', {
        guard: `${kind} ${table}.${name}`,
        found: state ?? 'not there',
      })
    const replicationRole = await readReplicationRole(sql)
    if (replicationRole !== 'origin')
      log.error('guards of the tables do not fire in our sessions: reset what sets their session_replication_role', {
        found: replicationRole,
      })
    return applied
  } finally {
    await sql.end({ timeout: 1 })
  }
}

const retryPauseMs = 1_000

/** Tries until Postgres answers, or the signal aborts. Throws MigrationRefused for a database that must be left alone. */
export const awaitSchema = async (
  config: Config,
  log: Log,
  { signal, onFailure }: { signal: AbortSignal; onFailure: (detail: string) => void },
): Promise<void> => {
  while (!signal.aborted) {
    try {
      await prepareSchema(config, log, { migrating: config.DB_MIGRATE })
      return
    } catch (error) {
      if (error instanceof MigrationRefused) throw error
      onFailure(describe(error).error)
      log.rarely('warn', 'start', 'waiting for postgres', describe(error))
      await sleep(retryPauseMs, signal)
    }
  }
}

/** Prints all faults of a bad configuration on standard error, for a person. */
export const printFaults = (faults: readonly string[]): void => {
  process.stderr.write(
    `orders: the configuration has ${faults.length} fault${faults.length === 1 ? '' : 's'}:\n${faults.map((fault) => `  - ${fault}\n`).join('')}`,
  )
}

export const startLog = (config: Config): Log => {
  const output = createOutput()
  process.on('exit', output.end)
  const log = createLog(config.LOG_LEVEL, output.line)
  for (const warning of config.warnings) log.warn(warning)
  return log
}
