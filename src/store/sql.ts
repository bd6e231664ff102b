// The door to Postgres: a pool whose every statement ends within a deadline, and the settings pinned on each connection.

import postgres from 'postgres'
import { formats, reach, reachOnce, sessionOf, type DatabaseTarget } from './connection.ts'
import { isReadOnly, storeFault, type StoreFault } from './faults.ts'

export type Sql = postgres.Sql
export type Fragment = postgres.PendingQuery<postgres.Row[]>

export type Database = {
  /** Runs one statement on the pool. Rejects with DeadlinePassed when no answer came in time: its outcome is unknown. */
  run<T>(statement: (sql: Sql) => Promise<T>): Promise<T>
  close(): Promise<void>
}

/** How many statements run, each on a connection of its own, and how many wait for one. */
type PoolLoad = { connections: number; running: number; waiting: number }
export type Pool = Database & { load(): PoolLoad }

/**
 * How a pool's statements are planned. `sets`: anew each time, for the values at hand. Joins of sets need this: without it, Postgres
 * changes to a plan with quadratic joins after five executions. `keys`: once per connection, and always along an index, whatever the size
 * of a table was at that time. Only for statements that find their rows by key, or in the order of a key, and that join no two sets. `log`:
 * the same for reads of the log (logText.ts), whose large plans Postgres would else compile or deal out to workers. `pages`: anew each time,
 * and always in the order of an index: a wrong estimate must not turn a page into a sort of all that lies behind it.
 */
export type Plans = 'sets' | 'keys' | 'log' | 'pages'

const byKeys = {
  plan_cache_mode: 'force_generic_plan',
  enable_seqscan: 'off',
  // While bitmap scans and sorts were allowed, a backlog sometimes drained at half the speed.
  enable_bitmapscan: 'off',
  enable_sort: 'off',
  enable_hashjoin: 'off',
  enable_mergejoin: 'off',
} as const

export const planning = {
  sets: { plan_cache_mode: 'force_custom_plan' },
  keys: byKeys,
  log: { ...byKeys, jit: 'off', max_parallel_workers_per_gather: '0' },
  pages: {
    plan_cache_mode: 'force_custom_plan',
    enable_seqscan: 'off',
    enable_bitmapscan: 'off',
    enable_sort: 'off',
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

/**
 * By default the driver sends a statement down a busy connection, where a quick statement waits for a slow one while other connections
 * stand idle. (Its types leave the option out.)
 */
const neverBehindAnother = { max_pipeline: 0 }

/** The settings that every connection of a pool requests when it begins. The start proves that they are in force (sessionSettings.ts). */
export const pinned = (limits: PoolLimits) => ({
  synchronous_commit: 'on',
  default_transaction_isolation: 'read committed' as const,
  lock_timeout: limits.lockTimeoutMs,
  statement_timeout: limits.statementTimeoutMs,
  idle_in_transaction_session_timeout: 10_000,
  ...planning[limits.plans],
  tcp_keepalives_idle: 10,
  tcp_keepalives_interval: 5,
  tcp_keepalives_count: 3,
  ...formats,
})

/**
 * Nothing ends a statement, a transaction or a session because it takes long. An operator may have set any of these otherwise for the role or the
 * database, for other programs.
 */
const noTimeouts = {
  statement_timeout: '0',
  transaction_timeout: '0',
  idle_in_transaction_session_timeout: '0',
  idle_session_timeout: '0',
} as const

/**
 * Makes the settings those of the service on a session that is open already: its formats, no time-out but that for a lock (0: none either). A
 * session that requested them when it began would be refused by servers that do not know one of them (transaction_timeout came with PostgreSQL
 * 17), and by poolers, before the start can say what is wrong (sessionSettings.ts).
 */
export const useOwnSettings = async (sql: Sql, { lockTimeoutMs = 0 } = {}): Promise<void> => {
  const settings = JSON.stringify({ ...formats, ...noTimeouts, lock_timeout: String(lockTimeoutMs) })
  await sql`
    select set_config(key, value, false) from json_each_text(${settings}::text::json)
    where current_setting(key, true) is not null`
}

type Connections = { sql: Sql; end: (graceMs: number) => Promise<void> }

const connect = (target: DatabaseTarget, limits: PoolLimits): Connections => {
  const over = new AbortController()
  const sql = postgres(target.url, {
    ...reach(target, limits.connectTimeoutMs, over.signal),
    max: limits.connections,
    ...neverBehindAnother,
    connection: { ...sessionOf(target), ...pinned(limits) },
  })
  return { sql, end: (graceMs) => sql.end({ timeout: graceMs / 1000 }).finally(() => over.abort()) }
}

/**
 * One connection for work that may take long, without time-outs from `useOwnSettings` on: a migration holds its lock on this one session. Once the
 * connection is lost every statement fails. `onNotice` is called with what the server's functions say on the way.
 */
export const openSession = (
  target: DatabaseTarget,
  connectTimeoutMs: number,
  onNotice?: (message: string) => void,
): Sql =>
  postgres(target.url, {
    ...reachOnce(target, connectTimeoutMs),
    ...(onNotice && { onnotice: ({ message }) => onNotice(message ?? '') }),
    connection: sessionOf(target),
  })

/** A server may stay read-only for long: pools do not connect anew more often than this because of it. */
const renewPauseMs = 5_000

/**
 * How often the pools of one target had to connect anew. A server that stops taking writes while it has connections is no longer the
 * primary, and a pool that only reads would go on reading old rows there without noticing.
 */
const renewals = new WeakMap<DatabaseTarget, { count: number; at: number }>()

const renewalsOf = (target: DatabaseTarget): { count: number; at: number } => {
  const renewal = renewals.get(target) ?? { count: 0, at: -Infinity }
  renewals.set(target, renewal)
  return renewal
}

/**
 * Opens a pool. Nobody can tell a stalled connection from a slow one, and the driver would wait for it without end, so when a statement
 * misses its deadline the whole pool is replaced: all other statements in flight on it are rejected as CONNECTION_DESTROYED and retried by
 * their owners. A pool whose server takes no more writes is replaced too, but its statements in flight may end by themselves. `onFailure`
 * is called for every statement that failed.
 */
export const openDatabase = (
  target: DatabaseTarget,
  limits: PoolLimits,
  onFailure: (fault: StoreFault) => void = () => undefined,
): Pool => {
  const deadlineMs = limits.statementTimeoutMs + answerGraceMs
  const renewal = renewalsOf(target)
  let { count: renewalsDone } = renewal
  // The driver connects with the first statement; by then it is known in which schema the tables are.
  let opened: Connections | null = null
  let active = 0

  const replace = (used: Connections, graceMs: number): void => {
    if (opened !== used) return
    opened = connect(target, limits)
    void used.end(graceMs).catch(() => undefined)
  }

  const askToRenew = (): void => {
    if (performance.now() - renewal.at < renewPauseMs) return
    renewal.at = performance.now()
    renewal.count++
  }

  return {
    async run(statement) {
      if (renewalsDone !== renewal.count) {
        renewalsDone = renewal.count
        if (opened !== null) replace(opened, deadlineMs)
      }
      const used = (opened ??= connect(target, limits))
      const { promise: missed, reject } = Promise.withResolvers<never>()
      const timer = setTimeout(() => {
        reject(new DeadlinePassed(`no answer from Postgres within ${deadlineMs} ms`))
        replace(used, 0)
      }, deadlineMs)
      active++
      try {
        return await Promise.race([statement(used.sql), missed])
      } catch (error) {
        if (isReadOnly(error)) askToRenew()
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
      await opened?.end(5_000)
    },
  }
}

/** Texts that need no quotes. NULL in any spelling needs them: without quotes Postgres reads a null. */
const plainElement = /^(?!null$)[a-z0-9.:+_-]+$/i

/**
 * A Postgres array literal of texts, for a parameter cast as `::text[]` or, by way of a text, as another array (`::text::uuid[]`). Every array
 * travels this way: the driver's own encoding of typed arrays fails or lies for some types, and costs ten times as much.
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

/** The same for an array that often has nothing but nulls: then it is empty, and `unnest` fills it up beside a longer one. */
export const sparseArray = (values: readonly (string | null)[]): string =>
  values.every((value) => value === null) ? '{}' : textArray(values)
