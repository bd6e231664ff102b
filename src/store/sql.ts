// The door to Postgres: a pool whose every statement ends within a deadline, and the settings pinned on each connection.

import postgres from 'postgres'
import { storeFault, type StoreFault } from './faults.ts'
import { openSecureSocket, type Certificates } from './secureSocket.ts'

export type Sql = postgres.Sql
export type Fragment = postgres.PendingQuery<postgres.Row[]>

export type Database = {
  /** Runs one statement on the pool. Rejects with DeadlinePassed when no answer came in time: its outcome is unknown. */
  run<T>(statement: (sql: Sql) => Promise<T>): Promise<T>
  close(): Promise<void>
}

/** Statements that run, each on a connection of its own, and statements that wait for one. */
type PoolLoad = { connections: number; running: number; waiting: number }
export type Pool = Database & { load(): PoolLoad }

export type DatabaseTarget = {
  /** `postgres://user:password@host:port/database`. */
  url: string
  /** As libpq has it. `require` encrypts and verifies nothing. */
  ssl: 'disable' | 'allow' | 'prefer' | 'require' | 'verify-ca' | 'verify-full'
  /** For the modes from `require` on. */
  certificates?: Certificates
  applicationName: string
  /** Sets search_path; undefined leaves the server's. */
  schema: string | undefined
}

/**
 * How a pool's statements are planned. `sets`: for the values at hand, each time; joins of sets need it, which fall into plans
 * with quadratic joins after five executions otherwise. `keys`: once a connection, and always along an index, whatever the size
 * of a table was then. Only for statements whose rows are found by key or in the order of one, and that join no two sets.
 */
export type Plans = 'sets' | 'keys'

export const planning = {
  sets: { plan_cache_mode: 'force_custom_plan' },
  keys: {
    plan_cache_mode: 'force_generic_plan',
    enable_seqscan: 'off',
    // With these two on, a backlog was now and then drained at half the speed.
    enable_bitmapscan: 'off',
    enable_sort: 'off',
    enable_hashjoin: 'off',
    enable_mergejoin: 'off',
  },
} as const satisfies Record<Plans, Record<string, string>>

export type PoolLimits = {
  plans: Plans
  connections: number
  connectTimeoutMs: number
  lockTimeoutMs: number
  statementTimeoutMs: number
}

class DeadlinePassed extends Error {
  override name = 'DeadlinePassed'
  readonly code = 'DEADLINE_PASSED'
}

/** How much longer than the server's own statement_timeout the client waits before it gives a connection up. */
const answerGraceMs = 1_000

const addressOf = (url: string): { host: string; port: number } => {
  const { hostname, port } = new URL(url)
  return { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port || 5432) }
}

/**
 * As lists, because the driver splits a text at its colons, of which an IPv6 address has several. (Its types leave lists out.)
 */
const listsOf = ({ host, port }: ReturnType<typeof addressOf>): object => ({ host: [host], port: [port] })

/** What must be encrypted gets its sockets from us; the driver itself only tries to. (Its types leave the option out.) */
const encryption = (target: DatabaseTarget, connectTimeoutMs: number): object => {
  const { ssl: mode } = target
  if (mode === 'disable') return { ssl: false }
  if (mode === 'allow' || mode === 'prefer') return { ssl: 'prefer' }
  const address = { ...addressOf(target.url), mode, ...target.certificates }
  return { ssl: false, socket: () => openSecureSocket(address, connectTimeoutMs) }
}

const common = (target: DatabaseTarget, connectTimeoutMs: number) => ({
  ...listsOf(addressOf(target.url)),
  ...encryption(target, connectTimeoutMs),
  connect_timeout: connectTimeoutMs / 1000,
  backoff: () => 0.1 + Math.random() * 0.2,
  onnotice: () => undefined,
})

const session = (target: DatabaseTarget) => ({
  application_name: target.applicationName,
  ...(target.schema === undefined ? {} : { search_path: target.schema }),
})

/**
 * By default the driver sends a statement down a busy connection, where a quick one waits for a slow one while other
 * connections stand idle. (Its types leave the option out.)
 */
const neverBehindAnother = { max_pipeline: 0 }

const pool = (target: DatabaseTarget, limits: PoolLimits): Sql =>
  postgres(target.url, {
    ...common(target, limits.connectTimeoutMs),
    max: limits.connections,
    ...neverBehindAnother,
    connection: {
      ...session(target),
      synchronous_commit: 'on',
      default_transaction_isolation: 'read committed',
      lock_timeout: limits.lockTimeoutMs,
      statement_timeout: limits.statementTimeoutMs,
      idle_in_transaction_session_timeout: 10_000,
      ...planning[limits.plans],
      tcp_keepalives_idle: 10,
      tcp_keepalives_interval: 5,
      tcp_keepalives_count: 3,
    },
  })

/** One connection without statement time-outs: a migration may take long, and holds its lock on this one session. */
export const openSession = (target: DatabaseTarget, connectTimeoutMs: number): Sql =>
  postgres(target.url, {
    ...common(target, connectTimeoutMs),
    max: 1,
    connection: session(target),
  })

/**
 * Opens a pool. A stalled connection cannot be told from a slow one and the driver would wait for it without end, so when a
 * statement misses its deadline the whole pool is replaced: what else was in flight on it is rejected as CONNECTION_DESTROYED
 * and retried by its owner. `onFailure` is told of every statement that failed.
 */
export const openDatabase = (
  target: DatabaseTarget,
  limits: PoolLimits,
  onFailure: (fault: StoreFault) => void = () => undefined,
): Pool => {
  const deadlineMs = limits.statementTimeoutMs + answerGraceMs
  let current = pool(target, limits)
  let active = 0

  const replace = (stalled: Sql): void => {
    if (current !== stalled) return
    current = pool(target, limits)
    void stalled.end({ timeout: 0 }).catch(() => undefined)
  }

  return {
    async run(statement) {
      const used = current
      const { promise: missed, reject } = Promise.withResolvers<never>()
      const timer = setTimeout(() => {
        reject(new DeadlinePassed(`no answer from Postgres within ${deadlineMs} ms`))
        replace(used)
      }, deadlineMs)
      active++
      try {
        return await Promise.race([statement(used), missed])
      } catch (error) {
        onFailure(storeFault(error))
        throw error
      } finally {
        active--
        clearTimeout(timer)
      }
    },
    load() {
      const running = Math.min(active, limits.connections)
      return { connections: limits.connections, running, waiting: active - running }
    },
    async close() {
      await current.end({ timeout: 5 })
    },
  }
}

/** What needs no quotes. NULL does, in any case of its letters: it is a text here, and a null to Postgres without them. */
const plainElement = /^(?!null$)[a-z0-9.:+_-]+$/i

/**
 * A Postgres array literal of texts, for a parameter cast as `::text[]`. Every array travels this way: the driver's own
 * encoding of typed arrays fails or lies for some types, and this one costs a tenth of it.
 */
export const textArray = (values: readonly (string | null)[]): string => {
  let literal = '{'
  for (let i = 0; i < values.length; i++) {
    if (i > 0) literal += ','
    const value = values[i]
    if (value === null || value === undefined) literal += 'NULL'
    else if (plainElement.test(value)) literal += value
    else literal += `"${value.replace(/[\\"]/g, '\\$&')}"`
  }
  return `${literal}}`
}
