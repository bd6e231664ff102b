// Migrates or checks the schema at the start.

import { sleep, unlessAborted } from '../app/sleep.ts'
import type { Config } from '../config/config.ts'
import { adoptedSchema, isTakenOver } from '../store/adoptedPlace.ts'
import { brokenGuards, readReplicationRole, type BrokenGuard } from '../store/brokenGuards.ts'
import { useSchema } from '../store/connection.ts'
import { beginEpoch } from '../store/log.ts'
import { lacksNothing, migrate, MigrationRefused, requireSchema } from '../store/migrate.ts'
import { migrations } from '../store/migrations.ts'
import { requirePositions } from '../store/positions.ts'
import { requireFirstSchema } from '../store/searchPath.ts'
import { requireSettings } from '../store/sessionSettings.ts'
import { openSession, useOwnSettings, type Sql } from '../store/sql.ts'
import { createLog, describe, type Log } from '../telemetry/log.ts'
import { createOutput } from '../telemetry/output.ts'

/** In a database that was taken over from the Java service, this session and all that are opened later use the schema of the copy. */
const findPlace = async (sql: Sql, config: Config): Promise<void> => {
  if (!(await isTakenOver(sql))) return
  useSchema(config.database, adoptedSchema)
  await sql`select set_config('search_path', ${adoptedSchema}, false)`
}

/** Reads while other sessions prove that they get the settings of the pools. Of two faults that of the settings is thrown: it may be why the other one came. */
const besideSettings = async <T>(config: Config, read: () => Promise<T>): Promise<T> => {
  const limits = {
    connections: 1,
    connectTimeoutMs: config.DB_CONNECT_TIMEOUT_MS,
    lockTimeoutMs: config.DB_LOCK_TIMEOUT_MS,
    statementTimeoutMs: config.DB_STATEMENT_TIMEOUT_MS,
  }
  const [settings, found] = await Promise.allSettled([requireSettings(config.database, limits), read()])
  if (settings.status === 'rejected') throw settings.reason
  if (found.status === 'rejected') throw found.reason
  return found.value
}

/**
 * Checks what must hold before anything is read or created: sessions get the settings of the pools, and the schema exists. In a database that
 * was taken over from the Java service, this session and all that are opened later use the schema of the copy.
 * Throws MigrationRefused, whose message says what to change.
 */
export const requirePlace = async (sql: Sql, config: Config): Promise<void> => {
  await findPlace(sql, config)
  await besideSettings(config, () => requireFirstSchema(sql))
}

type Findings = { guards: readonly BrokenGuard[]; replicationRole: string }

/** Changes nothing. Throws MigrationRefused where the tables must not be written to. */
const readFindings = async (sql: Sql): Promise<Findings> => {
  await requirePositions(sql)
  return { guards: await brokenGuards(sql), replicationRole: await readReplicationRole(sql) }
}

/** Logged, not refused: the service keeps its promises without the guards; they stop everybody else. */
const logFindings = ({ guards, replicationRole }: Findings, log: Log): void => {
  for (const { kind, table, name, state } of guards)
    log.error('a guard of the tables is not in force: put it back as in sql/, then run verify', {
      guard: `${kind} ${table}.${name}`,
      found: state ?? 'not there',
    })
  if (replicationRole !== 'origin')
    log.error('guards of the tables do not fire in our sessions: reset what sets their session_replication_role', {
      found: replicationRole,
    })
}

/** Brings the schema to this version. Returns the names of the migrations that were applied now. */
const migrateAll = (sql: Sql, log: Log): Promise<string[]> =>
  migrate(sql, {
    migrations,
    onWait: () => log.info('another replica is migrating; waiting for it'),
    onBusy: (name, holders) =>
      log.warn('somebody holds a table that a migration needs; it is tried again', { name, holders }),
    onApplied: (name) => log.info('migration applied', { name }),
  })

/** One attempt, on a connection of its own. Returns the names of the migrations that were applied now. */
export const prepareSchema = async (
  config: Config,
  log: Log,
  { migrating }: { migrating: boolean },
): Promise<string[]> => {
  const sql = openSession(config.database, config.DB_CONNECT_TIMEOUT_MS)
  try {
    await findPlace(sql, config)
    const early = await besideSettings(config, async () => {
      await requireFirstSchema(sql)
      await useOwnSettings(sql)
      if (!migrating) await requireSchema(sql, migrations)
      // Most starts find nothing to migrate; then all that is read is read now. Otherwise nothing is written before the settings are proved.
      return !migrating || (await lacksNothing(sql, migrations)) ? readFindings(sql) : null
    })
    const applied = early === null ? await migrateAll(sql, log) : []
    if (early === null) await requireSchema(sql, migrations)
    const findings = early ?? (await readFindings(sql))
    // Before anything is written: whoever reads the log by transaction ids must not take those of another cluster for ours.
    await beginEpoch(sql)
    logFindings(findings, log)
    return applied
  } finally {
    await sql.end({ timeout: 1 })
  }
}

const retryPauseMs = 1_000

/**
 * Tries until Postgres answers, or the signal aborts: then the statement that runs is left to Postgres, because a file of migrations is one
 * transaction or may be run again. Returns whether the schema is prepared. Throws MigrationRefused for a database that must be left alone.
 */
export const awaitSchema = async (
  config: Config,
  log: Log,
  { signal, onFailure }: { signal: AbortSignal; onFailure: (detail: string) => void },
): Promise<boolean> => {
  while (!signal.aborted) {
    try {
      return (await unlessAborted(prepareSchema(config, log, { migrating: config.DB_MIGRATE }), signal)) !== null
    } catch (error) {
      if (error instanceof MigrationRefused) throw error
      onFailure(describe(error).error)
      log.rarely('warn', 'start', 'waiting for postgres', describe(error))
      await sleep(retryPauseMs, signal)
    }
  }
  return false
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
