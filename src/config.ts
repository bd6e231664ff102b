// The configuration: environment → one frozen object. Every fault is listed in one message; no message holds a value that may
// be secret. The README's table is checked against `settings`.

import { accessFaults } from './accessFaults.ts'
import { readDatabaseTarget } from './databaseUrl.ts'
import { given, type Env } from './env.ts'
import { algorithms } from './http/auth/algorithms.ts'
import { levels, type Level } from './log.ts'
import type { DatabaseTarget } from './store/sql.ts'

/** Reads one variable; an empty one counts as unset. A fault is one sentence that begins with the key. */
export type Reader<T> = (key: string, env: Env, faults: string[]) => T

const int =
  (fallback: number, min: number, max: number): Reader<number> =>
  (key, env, faults) => {
    const text = given(env, key)
    if (text === undefined) return fallback
    const value = Number(text)
    if (/^\d+$/.test(text) && value >= min && value <= max) return value
    faults.push(`${key} must be a whole number from ${min} to ${max}`)
    return fallback
  }

const oneOf =
  <const T extends readonly string[]>(values: T, fallback: T[number]): Reader<T[number]> =>
  (key, env, faults) => {
    const text = given(env, key)
    if (text === undefined) return fallback
    const value = values.find((known) => known === text.toLowerCase())
    if (value === undefined) faults.push(`${key} must be one of ${values.join(', ')}`)
    return value ?? fallback
  }

const flag =
  (fallback: boolean): Reader<boolean> =>
  (key, env, faults) =>
    oneOf(['true', 'false'], fallback ? 'true' : 'false')(key, env, faults) === 'true'

const text =
  (fallback: string, pattern: RegExp, rule: string): Reader<string> =>
  (key, env, faults) => {
    const value = given(env, key) ?? fallback
    if (!pattern.test(value)) faults.push(`${key} ${rule}`)
    return value
  }

const topic = (fallback: string) =>
  text(fallback, /^[A-Za-z0-9._-]{1,249}$/, 'must be a topic name: 1 to 249 of A-Z a-z 0-9 . _ -')

const isServer = (text: string): boolean => {
  const port = Number(/^(?:[^\s:,/]+|\[[0-9a-fA-F:]+\]):(\d{1,5})$/.exec(text)?.[1])
  return port >= 1 && port <= 65_535
}

const servers =
  (fallback: string): Reader<readonly string[]> =>
  (key, env, faults) => {
    const list = (given(env, key) ?? fallback).split(',').map((server) => server.trim())
    if (!list.every(isServer)) faults.push(`${key} must be host:port, comma-separated`)
    return list
  }

/** Text that may be left out: empty then, and where it is faulty. */
const optional =
  (pattern: RegExp, rule: string): Reader<string> =>
  (key, env, faults) => {
    const value = given(env, key) ?? ''
    if (value === '' || pattern.test(value)) return value
    faults.push(`${key} ${rule}`)
    return ''
  }

const path = optional(/^\P{Cc}{1,4096}$/u, 'must be a path')
const printable = optional(/^[\x21-\x7e]{1,500}$/, 'must be 1 to 500 printable characters without spaces')

const listOf =
  <const T extends readonly string[]>(known: T, fallback: readonly T[number][]): Reader<readonly T[number][]> =>
  (key, env, faults) => {
    const names = given(env, key)?.split(',') ?? fallback
    const list = names.map((name) => known.find((one) => one === name.trim()))
    if (!list.includes(undefined)) return list as T[number][]
    faults.push(`${key} must be some of ${known.join(', ')}, comma-separated`)
    return fallback
  }

const ms = (fallback: number, min = 1, max = 3_600_000) => int(fallback, min, max)

/** Every key but those of the database's address (databaseUrl.ts). */
export const settings = {
  SERVER_PORT: int(8085, 0, 65_535),
  SERVER_HOST: text('0.0.0.0', /^[A-Za-z0-9.:_-]+$/, 'must be an address or a host name'),
  LOG_LEVEL: oneOf(levels, 'info' satisfies Level),
  ORDERS_UNKNOWN_FIELDS: oneOf(['refuse', 'ignore'], 'refuse'),
  BODY_MAX_BYTES: int(65_536, 1_024, 16_777_216),
  REQUEST_DEADLINE_MS: ms(5_000, 100, 25_000),
  BATCH_MAX_ORDERS: int(256, 1, 5_000),
  BATCH_LANES: int(2, 1, 16),
  QUEUE_MAX_REQUESTS: int(10_000, 1, 1_000_000),
  DB_MIGRATE: flag(true),
  DB_WRITE_CONNECTIONS: int(5, 1, 64),
  DB_READ_CONNECTIONS: int(6, 1, 64),
  DB_STREAM_CONNECTIONS: int(10, 4, 64),
  DB_CONNECT_TIMEOUT_MS: ms(3_000, 100),
  DB_LOCK_TIMEOUT_MS: ms(1_000, 10),
  DB_STATEMENT_TIMEOUT_MS: ms(3_000, 100),
  KAFKA_BOOTSTRAP_SERVERS: servers('redpanda:9092'),
  KAFKA_CONSUMER_GROUP: text(
    'orders-exec-consumer',
    /^[\x21-\x7e]{1,255}$/,
    'must be 1 to 255 printable characters without spaces',
  ),
  KAFKA_TOPIC_ORDER_PLACED: topic('order.placed.v1'),
  KAFKA_TOPIC_ORDER_CANCELLED: topic('order.cancelled.v1'),
  KAFKA_TOPIC_TRADE_EXECUTED: topic('trade.executed.v1'),
  KAFKA_TOPIC_TRADE_DLQ: topic('trade.executed.v1.dlq'),
  KAFKA_TOPIC_PARTITIONS: int(6, 1, 10_000),
  KAFKA_REQUEST_TIMEOUT_MS: ms(10_000, 500),
  TRADE_UNKNOWN_TO_DLQ: flag(true),
  TRADES_BATCH_MAX_MESSAGES: int(500, 1, 10_000),
  TRADES_LANES: int(2, 1, 16),
  TRADES_QUEUE_MAX_MESSAGES: int(4_000, 1, 1_000_000),
  TRADES_QUEUE_MAX_BYTES: int(67_108_864, 1_048_576, 4_294_967_296),
  OUTBOX_MAX_ROWS: int(2_000_000, 1, 1_000_000_000),
  OUTBOX_MAX_AGE_MS: ms(900_000, 1_000, 604_800_000),
  RELAY_BATCH_MAX_EVENTS: int(2_000, 1, 50_000),
  RELAY_IN_FLIGHT_MAX_EVENTS: int(10_000, 1, 500_000),
  RELAY_LEASE_MS: ms(5_000, 500, 60_000),
  CE_SOURCE: text('/orders', /^[\x21-\x7e]{1,200}$/, 'must be a URI reference'),
  SHUTDOWN_READINESS_DELAY_MS: ms(1_000, 0, 60_000),
  SHUTDOWN_DEADLINE_MS: ms(20_000, 100, 600_000),
  AUTH_JWKS_URL: optional(
    /^https?:\/\/[^\s@/?#]+([/?][^\s#]*)?$/,
    'must be an http(s) address without user and password',
  ),
  AUTH_JWKS_FILE: path,
  AUTH_JWKS_AGE_MAX_MS: ms(600_000, 1_000, 86_400_000),
  AUTH_JWKS_COOLDOWN_MS: ms(30_000, 100),
  AUTH_JWKS_TIMEOUT_MS: ms(3_000, 100, 30_000),
  AUTH_JWT_ALGORITHMS: listOf(algorithms, ['RS256', 'PS256', 'ES256', 'EdDSA']),
  AUTH_JWT_ISSUER: printable,
  AUTH_JWT_AUDIENCE: printable,
  AUTH_JWT_CLOCK_TOLERANCE_SECONDS: int(5, 0, 300),
  AUTH_JWT_CACHE_MAX_TOKENS: int(10_000, 1, 1_000_000),
  AUTH_JWT_CACHE_AGE_MAX_MS: ms(300_000, 1),
  AUTH_SUBJECT_CLAIM: text('sub', /^[\x21-\x7e]{1,100}$/, 'must be the name of a claim'),
  AUTH_API_KEYS_FILE: path,
  AUTH_FAILURES_PER_SECOND: int(10, 0, 1_000_000),
  AUTH_FAILURES_BURST: int(100, 1, 1_000_000),
  RATE_LIMIT_PER_SUBJECT_PER_SECOND: int(0, 0, 1_000_000),
  RATE_LIMIT_PER_SUBJECT_BURST: int(0, 0, 10_000_000),
  RATE_LIMIT_TOTAL_PER_SECOND: int(0, 0, 1_000_000),
  RATE_LIMIT_TOTAL_BURST: int(0, 0, 10_000_000),
  RATE_LIMIT_BY_ADDRESS: flag(false),
  MANAGEMENT_PORT: int(0, 0, 65_535),
  MANAGEMENT_HOST: text('127.0.0.1', /^[A-Za-z0-9.:_-]+$/, 'must be an address or a host name'),
} as const satisfies Record<string, Reader<unknown>>

type Settings = { readonly [K in keyof typeof settings]: ReturnType<(typeof settings)[K]> }

export type Config = Settings & {
  readonly database: DatabaseTarget
  /** Parameters of the database's address that are not used. */
  readonly warnings: readonly string[]
}

const orderingFaults = (values: Settings): string[] => {
  const faults: string[] = []
  if (values.DB_LOCK_TIMEOUT_MS >= values.DB_STATEMENT_TIMEOUT_MS)
    faults.push('DB_LOCK_TIMEOUT_MS must be below DB_STATEMENT_TIMEOUT_MS')
  const topics = [
    values.KAFKA_TOPIC_ORDER_PLACED,
    values.KAFKA_TOPIC_ORDER_CANCELLED,
    values.KAFKA_TOPIC_TRADE_EXECUTED,
    values.KAFKA_TOPIC_TRADE_DLQ,
  ]
  if (new Set(topics).size < topics.length) faults.push('the four KAFKA_TOPIC_ names must differ')
  return faults
}

const readValues = (env: Env, faults: string[]): Settings => {
  const entries = Object.entries(settings).map(([key, read]) => [key, read(key, env, faults)])
  const values = Object.fromEntries(entries) as Settings
  faults.push(...orderingFaults(values), ...accessFaults(values))
  return values
}

export type ConfigResult = { ok: true; config: Config } | { ok: false; faults: string[] }

/** Reads the whole environment. Faults name the keys and say what is allowed. */
export const readConfig = (env: Env): ConfigResult => {
  const faults: string[] = []
  const values = readValues(env, faults)
  const { target, warnings } = readDatabaseTarget(env, faults)
  if (faults.length > 0 || target === null) return { ok: false, faults }
  return { ok: true, config: Object.freeze({ ...values, database: target, warnings }) }
}

export type SettingsResult = { ok: true; settings: Settings } | { ok: false; faults: string[] }

/** For a command that has no use for the database: everything but its address. */
export const readSettings = (env: Env): SettingsResult => {
  const faults: string[] = []
  const values = readValues(env, faults)
  return faults.length > 0 ? { ok: false, faults } : { ok: true, settings: Object.freeze(values) }
}
