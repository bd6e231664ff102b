// The configuration: environment → one frozen object. Every fault is listed in one message; no message holds a value that may
// be secret. The handbook's table is checked against `settings`.

import { accessFaults } from './accessFaults.ts'
import { readDatabaseTarget } from './databaseUrl.ts'
import type { Env } from './env.ts'
import {
  claim,
  claims,
  flag,
  int,
  listOf,
  ms,
  oneOf,
  optional,
  origins,
  path,
  printable,
  servers,
  share,
  text,
  topic,
  type Reader,
} from './readers.ts'
import { algorithms } from '../http/gates/auth/algorithms.ts'
import { levels, type Level } from '../telemetry/log.ts'
import type { DatabaseTarget } from '../store/connection.ts'
import { transportFaults, transportSettings, transportWarnings } from './transport.ts'

/** Every key but those of the database's address (databaseUrl.ts). */
export const settings = {
  SERVER_PORT: int(8085, 0, 65_535),
  SERVER_HOST: text('0.0.0.0', /^[A-Za-z0-9.:_-]+$/, 'must be an address or a host name'),
  // Bun counts to 255 s.
  SERVER_IDLE_TIMEOUT_MS: ms(120_000, 1_000, 255_000),
  LOG_LEVEL: oneOf(levels, 'info' satisfies Level),
  ORDERS_UNKNOWN_FIELDS: oneOf(['refuse', 'ignore'], 'refuse'),
  CORS_ALLOWED_ORIGINS: origins,
  BODY_MAX_BYTES: int(65_536, 1_024, 16_777_216),
  REQUEST_DEADLINE_MS: ms(5_000, 100, 25_000),
  BATCH_MAX_ORDERS: int(256, 1, 5_000),
  BATCH_LANES: int(2, 1, 16),
  QUEUE_MAX_REQUESTS: int(10_000, 1, 1_000_000),
  DB_MIGRATE: flag(true),
  DB_WRITE_CONNECTIONS: int(6, 2, 64),
  DB_READ_CONNECTIONS: int(8, 2, 64),
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
  TRADES_BATCH_MAX_MESSAGES: int(250, 1, 10_000),
  TRADES_LANES: int(2, 1, 16),
  TRADES_QUEUE_MAX_MESSAGES: int(20_000, 1, 1_000_000),
  TRADES_QUEUE_MAX_BYTES: int(67_108_864, 1_048_576, 4_294_967_296),
  OUTBOX_MAX_ROWS: int(2_000_000, 1, 1_000_000_000),
  OUTBOX_MAX_AGE_MS: ms(900_000, 1_000, 604_800_000),
  RELAY_BATCH_MAX_EVENTS: int(2_000, 1, 50_000),
  RELAY_IN_FLIGHT_MAX_EVENTS: int(10_000, 1, 500_000),
  RELAY_LEASE_MS: ms(5_000, 500, 60_000),
  ...transportSettings,
  CE_SOURCE: text('/orders', /^[\x21-\x7e]{1,200}$/, 'must be a URI reference'),
  OTEL_EXPORTER_OTLP_ENDPOINT: optional(/^https?:\/\/[^\s?#]+$/, 'must be an http or https URL'),
  // Read once more by the exporter itself; here it is only judged.
  OTEL_EXPORTER_OTLP_HEADERS: optional(
    /^[^\s=,]+=(?:[!-$&-+.-~-]|%[0-7][0-9A-Fa-f])*(,\s*[^\s=,]+=(?:[!-$&-+.-~-]|%[0-7][0-9A-Fa-f])*)*$/,
    'must be name=value, comma-separated, values percent-encoded',
  ),
  OTEL_SERVICE_NAME: text('orders', /^[\x21-\x7e]{1,255}$/, 'must be 1 to 255 printable characters without spaces'),
  OTEL_TRACES_SAMPLER_ARG: share(0.01),
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
  AUTH_JWT_AUDIENCE_CLAIM: claim('aud'),
  // RFC 9068 has `scope` as one text; other issuers write `scp` or `scopes`.
  AUTH_JWT_SCOPE_CLAIM: claims('scope,scp,scopes'),
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
  /** Parameters of the database's address that are not used, and what is used though it is not safe. */
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
  faults.push(...orderingFaults(values), ...accessFaults(values), ...transportFaults(values, faults))
  return values
}

export type ConfigResult = { ok: true; config: Config } | { ok: false; faults: string[] }

/** Reads the whole environment. Faults name the keys and say what is allowed. */
export const readConfig = (env: Env): ConfigResult => {
  const faults: string[] = []
  const values = readValues(env, faults)
  const { target, warnings } = readDatabaseTarget(env, faults)
  if (faults.length > 0 || target === null) return { ok: false, faults }
  const all = [...warnings, ...transportWarnings(values)]
  return { ok: true, config: Object.freeze({ ...values, database: target, warnings: all }) }
}

export type SettingsResult = { ok: true; settings: Settings } | { ok: false; faults: string[] }

/** For a command that has no use for the database: everything but its address. */
export const readSettings = (env: Env): SettingsResult => {
  const faults: string[] = []
  const values = readValues(env, faults)
  return faults.length > 0 ? { ok: false, faults } : { ok: true, settings: Object.freeze(values) }
}
