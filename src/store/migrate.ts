// Brings a database to the schema of this binary. Replicas that start together take turns by an advisory lock; each file is one
// transaction with the row that records it, unless its first line says otherwise. This is the only place that opens a transaction by hand.

import { createHash } from 'node:crypto'
import { codeOf } from './faults.ts'
import { dropOldIndex, isOldIndexIdle } from './keyFill.ts'
import type { Migration } from './migrations.ts'
import type { Sql } from './sql.ts'

/** The database must not be touched, or not by this binary. The message says what to do; trying again does not help. */
export class MigrationRefused extends Error {
  override name = 'MigrationRefused'
}

/** Any constant that nobody else uses: "orders" in ASCII. */
const lockKey = '122489661811315'
const versionMin = 150_000
const lockPollMs = 200

const checksumOf = (migration: Migration): string => createHash('sha256').update(migration.sql).digest('hex')

const refuseOldServer = async (sql: Sql): Promise<void> => {
  const [row] = await sql<{ number: string; version: string }[]>`
    select current_setting('server_version_num') as number, current_setting('server_version') as version`
  if (Number(row!.number) < versionMin)
    throw new MigrationRefused(`PostgreSQL ${row!.version} is too old: 15 to 18 are supported.`)
}

/** Whether the migration table exists. An `orders` table without it belongs to another service, and is never touched. */
const recognise = async (sql: Sql): Promise<boolean> => {
  const [row] = await sql<{ ours: boolean; orders: boolean }[]>`
    select to_regclass('orders_migrations') is not null as ours, to_regclass('orders') is not null as orders`
  if (row!.orders && !row!.ours)
    throw new MigrationRefused(
      'This database has a table "orders" that this service did not create. If it is that of the Java service, run orders adopt, which takes it over; else give an empty database or schema.',
    )
  return row!.ours
}

/** Names of the files that were applied; refuses a history that this binary does not know. */
const checkHistory = async (sql: Sql, migrations: readonly Migration[]): Promise<Set<string>> => {
  const applied = await sql<
    { name: string; checksum: string }[]
  >`select name, checksum from orders_migrations order by name`
  const checksums = new Map(migrations.map((migration) => [migration.name, checksumOf(migration)]))
  for (const { name, checksum } of applied) {
    if (!checksums.has(name))
      throw new MigrationRefused(
        `The database has migration ${name}, which this binary does not know: run a binary at least as new as the database.`,
      )
    if (checksums.get(name) !== checksum)
      throw new MigrationRefused(
        `Migration ${name} was applied with other content than this binary has: restore the file, add a new one for changes.`,
      )
  }
  return new Set(applied.map(({ name }) => name))
}

/** The codes for a role that has no right to a table, or no right to its schema (which it then does not see). */
const withoutRights = new Set(['42501', '3F000'])

/** Runs `work`; if the role has no right to do it, throws MigrationRefused with `advice`. */
const asAllowed = async <T>(sql: Sql, work: () => Promise<T>, advice: (role: string) => string): Promise<T> => {
  try {
    return await work()
  } catch (error) {
    if (!withoutRights.has(codeOf(error))) throw error
    const [row] = await sql<{ role: string }[]>`select current_user as role`
    throw new MigrationRefused(advice(row!.role), { cause: error })
  }
}

/**
 * The statements of a file that begins with `-- concurrently`: each runs by itself, outside a transaction, as `create index concurrently`
 * demands. A statement ends with its line. Such a file may be cut off and run again. Null: the file is one transaction.
 */
const separateStatements = ({ sql }: Migration): string[] | null =>
  sql.startsWith('-- concurrently')
    ? sql
        .replace(/^--.*\n/gm, '')
        .split(/;\n/)
        .filter((statement) => statement.trim() !== '')
    : null

const holdersMax = 5

/** The sessions that hold a table which a migration may need for itself, for a person: `4711 orders_reader orders-verify`. */
const readHolders = async (sql: Sql): Promise<string[]> => {
  const rows = await sql<{ holder: string }[]>`
    select concat_ws(' ', a.pid, a.usename, a.application_name) as holder
    from pg_locks l join pg_stat_activity a using (pid)
    where l.relation in (to_regclass('orders'), to_regclass('ingested_fills')) and l.granted and l.pid <> pg_backend_pid()
    group by a.pid, a.usename, a.application_name order by a.pid limit ${holdersMax}::integer`
  return rows.map(({ holder }) => holder)
}

/** The codes of a lock that was not to be had within lock_timeout, and of a deadlock that was resolved at our cost. */
const busy = new Set(['55P03', '40P01'])

const apply = async (sql: Sql, migration: Migration): Promise<void> => {
  const record = `insert into orders_migrations (name, checksum) values ('${migration.name}', '${checksumOf(migration)}')`
  const statements = separateStatements(migration)
  if (statements !== null) {
    for (const statement of [...statements, record]) await sql.unsafe(statement)
    return
  }
  try {
    await sql.unsafe(`begin; ${migration.sql}; ${record}; commit;`)
  } catch (error) {
    await sql.unsafe('rollback').catch(() => undefined)
    throw error
  }
}

export const takeLock = async (sql: Sql, onWait: () => void): Promise<void> => {
  for (let tries = 0; ; tries++) {
    const [row] = await sql<{ taken: boolean }[]>`select pg_try_advisory_lock(${lockKey}::bigint) as taken`
    if (row!.taken) return
    if (tries === 0) onWait()
    await Bun.sleep(lockPollMs)
  }
}

/** While a migration waits for a table, everybody else queues behind it: it waits briefly, and leaves this much room between attempts. */
const busyPauseMs = 5_000

/** Applies a file as soon as nobody holds its tables for long. */
const applyWhenFree = async (
  sql: Sql,
  migration: Migration,
  { onBusy, pauseMs = busyPauseMs }: Pick<MigrateOptions, 'onBusy' | 'pauseMs'>,
): Promise<void> => {
  for (;;) {
    try {
      return await apply(sql, migration)
    } catch (error) {
      if (!busy.has(codeOf(error))) throw error
      onBusy?.(migration.name, await readHolders(sql))
      await Bun.sleep(pauseMs)
    }
  }
}

/**
 * What has become idle since the files were applied: the unique index of keys, once the table of keys has all of them. If somebody is in
 * the way, or the role may not, it stays until the next time.
 */
const dropIdle = async (sql: Sql, { onBusy }: Pick<MigrateOptions, 'onBusy'>): Promise<void> => {
  try {
    if (await isOldIndexIdle(sql)) await dropOldIndex(sql)
  } catch (error) {
    if (busy.has(codeOf(error))) onBusy?.('orders_by_client_order_id', await readHolders(sql))
    else if (!withoutRights.has(codeOf(error))) throw error
  }
}

export type MigrateOptions = {
  migrations: readonly Migration[]
  /** Another replica migrates. */
  onWait: () => void
  /** Somebody holds a table of this file for longer than it waits; it is tried again after a pause of `pauseMs`. */
  onBusy?: (name: string, holders: readonly string[]) => void
  onApplied: (name: string) => void
  pauseMs?: number
}

/**
 * Applies the missing files on one connection and returns the names of the files applied now. Throws MigrationRefused for a database that
 * it leaves alone; any other error comes from Postgres or the network, and the caller may try again.
 */
export const migrate = async (sql: Sql, options: MigrateOptions): Promise<string[]> => {
  const { migrations, onWait, onApplied } = options
  await refuseOldServer(sql)
  await recognise(sql)
  await takeLock(sql, onWait)
  try {
    let missing = migrations
    const applyMissing = async (): Promise<string[]> => {
      if (!(await recognise(sql)))
        await sql`create table orders_migrations (name text primary key, checksum text not null, applied_at timestamptz not null default now())`
      const applied = await checkHistory(sql, migrations)
      missing = migrations.filter(({ name }) => !applied.has(name))
      for (const migration of missing) {
        await applyWhenFree(sql, migration, options)
        onApplied(migration.name)
      }
      if (migrations.some(({ name }) => name === '0019_keys.sql')) await dropIdle(sql, options)
      return missing.map(({ name }) => name)
    }
    return await asAllowed(sql, applyMissing, (role) => {
      const names = missing.map(({ name }) => name).join(', ')
      return `The role ${role} may not change the schema, which lacks ${names}: run the subcommand migrate with the login of the owner, and serve with DB_MIGRATE=false.`
    })
  } finally {
    await sql`select pg_advisory_unlock(${lockKey}::bigint)`.catch(() => undefined)
  }
}

/** For a start without migrating: throws MigrationRefused unless the schema is exactly this binary's. */
export const requireSchema = async (sql: Sql, migrations: readonly Migration[]): Promise<void> => {
  await refuseOldServer(sql)
  const readApplied = async () => ((await recognise(sql)) ? checkHistory(sql, migrations) : new Set())
  const applied = await asAllowed(
    sql,
    readApplied,
    (role) => `The role ${role} may not read the table orders_migrations: run sql/roles.sql again.`,
  )
  const missing = migrations.filter(({ name }) => !applied.has(name)).map(({ name }) => name)
  if (missing.length > 0)
    throw new MigrationRefused(
      `The database lacks ${missing.join(', ')}: run the subcommand migrate first, or set DB_MIGRATE=true.`,
    )
}

/** Whether `migrate` would find nothing to do. Only reads, and takes no turn. What `migrate` would refuse lacks something. */
export const lacksNothing = async (sql: Sql, migrations: readonly Migration[]): Promise<boolean> => {
  try {
    await requireSchema(sql, migrations)
  } catch (error) {
    if (error instanceof MigrationRefused) return false
    throw error
  }
  return !(await isOldIndexIdle(sql))
}
