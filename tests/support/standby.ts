// A second Postgres with the data of a first: one that follows it by streaming replication and can be promoted, or one that recovers to a
// point in time. Made by copying the folder of the first while it is stopped: the tool that copies a running one is not in the package of
// the binaries.

import { appendFileSync, chmodSync, cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import postgres from 'postgres'
import { freePort } from '../stack/ports.ts'
import { startPostgres, type PostgresServer } from '../stack/postgres.ts'
import { until } from './until.ts'

const onServer = async <T>({ url }: PostgresServer, work: (sql: postgres.Sql) => Promise<T>): Promise<T> => {
  const sql = postgres(url, { max: 1, onnotice: () => undefined })
  try {
    return await work(sql)
  } finally {
    await sql.end({ timeout: 1 })
  }
}

/** Puts the data of one stopped server, which lies in `from`, where a new one of this port will find it; answers the new one's folder. */
const copyData = async (from: string, dataDir: string, port: number): Promise<string> => {
  // Starting a server settles who owns the folder and where it lies.
  const empty = await startPostgres({ dataDir, port })
  await empty.stop()
  for (const name of ['cluster', 'password']) {
    rmSync(join(empty.dataDir, name), { recursive: true })
    cpSync(join(from, name), join(empty.dataDir, name), { recursive: true })
  }
  return empty.dataDir
}

type Copy = { port: number; dataDir: string; cluster: string }

/** A copy of the first server's data, which stops meanwhile. */
const copyOf = async (first: PostgresServer, dataDir: string): Promise<Copy> => {
  const port = await freePort()
  await first.stop()
  const own = await copyData(first.dataDir, dataDir, port)
  await first.restart()
  return { port, dataDir: own, cluster: join(own, 'cluster') }
}

/** Stops the primary while its folder is copied. */
export const startStandby = async (primary: PostgresServer, dataDir: string): Promise<PostgresServer> => {
  const { hostname, port, username, password } = new URL(primary.url)
  const own = await copyOf(primary, dataDir)
  writeFileSync(join(own.cluster, 'standby.signal'), '')
  const follows = `host=${hostname} port=${port} user=${username} password=${password}`
  // Not on the command line: what stands there cannot be changed while the server runs.
  appendFileSync(join(own.cluster, 'postgresql.auto.conf'), `primary_conninfo = '${follows}'\n`)
  return startPostgres({ dataDir, port: own.port })
}

/** From now on the standby gets nothing: it lags, by whatever is committed after this. */
export const cutOff = (standby: PostgresServer): Promise<void> =>
  onServer(standby, async (sql) => {
    await sql.unsafe('alter system reset primary_conninfo')
    await sql`select pg_reload_conf()`
    await until(async () => (await sql`select from pg_stat_wal_receiver`).length === 0, {
      what: 'the standby is alone',
    })
  })

/** Resolves once the standby has replayed what is committed now. */
export const caughtUp = async (primary: PostgresServer, standby: PostgresServer): Promise<void> => {
  const [row] = await onServer(primary, (sql) => sql<{ at: string }[]>`select pg_current_wal_flush_lsn()::text as at`)
  await onServer(standby, (sql) =>
    until(async () => (await sql`select where pg_last_wal_replay_lsn() >= ${row!.at}::pg_lsn`).length === 1, {
      what: 'the standby has replayed',
    }),
  )
}

export type ArchivingServer = PostgresServer & {
  /** The present time of its clock, with everything that is committed now before it and everything later after it. */
  now: () => Promise<string>
  /** A new server, as this one was when it said `at`. */
  recover: (dataDir: string, at: string) => Promise<PostgresServer>
}

/** A server that archives its log, with a base backup of when it began. */
export const startArchiving = async (dataDir: string): Promise<ArchivingServer> => {
  const archive = join(dataDir, 'archive')
  mkdirSync(archive, { recursive: true })
  // The server may run as another user.
  chmodSync(archive, 0o777)
  const settings = { archive_mode: 'on', archive_command: `cp %p ${archive}/%f` }
  const server = await startPostgres({ dataDir, port: await freePort(), settings })
  const base = await copyOf(server, join(dataDir, 'base'))
  const now = () =>
    onServer(server, async (sql) => {
      const [row] = await sql<{ at: string }[]>`select clock_timestamp()::text as at`
      return row!.at
    })
  return Object.assign(server, {
    now,
    async recover(dir: string, at: string) {
      await onServer(server, async (sql) => {
        const [row] = await sql<{ file: string }[]>`select pg_walfile_name(pg_switch_wal()) as file`
        await until(
          async () => (await sql`select from pg_stat_archiver where last_archived_wal >= ${row!.file}`).length === 1,
          { what: 'the log is archived' },
        )
      })
      const port = await freePort()
      const own = await copyData(base.dataDir, dir, port)
      writeFileSync(join(own, 'cluster', 'recovery.signal'), '')
      const recovery = { restore_command: `cp ${archive}/%f %p`, recovery_target_time: at }
      return startPostgres({ dataDir: dir, port, settings: { ...recovery, recovery_target_action: 'promote' } })
    },
  })
}
