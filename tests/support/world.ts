// A world of its own for a test of the binary: database, topics and consumer group that nobody else uses, on the shared servers
// or on servers of the test. Everything that was started in it ends with it.

import { afterAll } from 'bun:test'
import postgres from 'postgres'
import { createDatabase as databaseOn } from '../stack/postgres.ts'
import { createDatabase } from './database.ts'
import { openKafka, type Outgoing, type TestKafka } from './kafka.ts'
import { kafkaServer } from './servers.ts'
import { startService, type RunningService, type ServiceOptions } from './service.ts'
import { until } from './until.ts'

export type World = AsyncDisposable & {
  name: string
  topics: {
    placed: string
    cancelled: string
    trades: string
    deadLetters: string
    reports: string
    reportLetters: string
  }
  group: string
  databaseUrl: string
  sql: postgres.Sql
  kafka: TestKafka
  env: Record<string, string>
  start: (options?: Partial<ServiceOptions>) => Promise<RunningService>
  publishTrades: (...trades: Trade[]) => Promise<void>
  publishReports: (...reports: Report[]) => Promise<void>
  /** Resolves when the service has taken everything on the report topic. */
  reportsConsumed: () => Promise<void>
  /** Resolves when the service has disposed of everything on the trade topic. */
  tradesConsumed: () => Promise<void>
  /** Resolves when everything committed was acknowledged by the broker. */
  outboxEmpty: () => Promise<void>
}

export type WorldOptions = {
  env?: Record<string, string>
  partitions?: number
  /** False leaves the topics to the service. */
  createTopics?: boolean
  /** A server of the test instead of the shared ones. */
  kafkaAt?: string
  /** The address that the service gets, if it differs (a proxy). */
  bootstrap?: string
  postgresAt?: string
}

/** A message of the trade topic; values are written as they are. */
export type Trade = Record<string, unknown> & { ticker: string }

let trades = 0
export const tradeOf = (members: Record<string, unknown>): Trade => ({
  tradeId: `t-${++trades}`,
  buyOrderId: null,
  sellOrderId: null,
  ticker: 'AAPL',
  price: 150.5,
  quantity: 10,
  timestamp: '2026-01-02T03:04:05.678Z',
  ...members,
})

/** A message of the report topic. */
type Report = Record<string, unknown> & { ticker: string }

let reports = 0
/** The engine canceled an order of AAPL. */
export const reportOf = (members: Record<string, unknown>): Report => ({
  reportId: `r-${++reports}`,
  ticker: 'AAPL',
  kind: 'CANCELED',
  reason: 'no liquidity',
  timestamp: '2026-01-02T03:04:05.678Z',
  ...members,
})

/**
 * A machine that is busy with other things is slow, and a service that is slow refuses, gives up and exits by its time-outs, as it
 * should. A test that is about one of them sets it; no other may depend on them.
 */
const patience = {
  REQUEST_DEADLINE_MS: '25000',
  DB_CONNECT_TIMEOUT_MS: '20000',
  SHUTDOWN_DEADLINE_MS: '120000',
}

const database = async (postgresAt: string | undefined) => {
  if (postgresAt === undefined) return createDatabase()
  const url = await databaseOn(postgresAt, `e2e_${crypto.randomUUID().slice(0, 8)}`)
  const sql = postgres(url, { max: 4, onnotice: () => undefined, backoff: () => 0.1 })
  return { url, sql, drop: () => sql.end({ timeout: 0 }) }
}

export const createWorld = async (options: WorldOptions = {}): Promise<World> => {
  const { env = {}, partitions = 3, createTopics = true, postgresAt } = options
  const bootstrap = options.kafkaAt ?? (await kafkaServer()).bootstrap
  const name = `e2e-${crypto.randomUUID().slice(0, 8)}`
  const topics = {
    placed: `${name}.placed`,
    cancelled: `${name}.cancelled`,
    trades: `${name}.trades`,
    deadLetters: `${name}.dlq`,
    reports: `${name}.reports`,
    reportLetters: `${name}.reports.dlq`,
  }
  const kafka = openKafka(bootstrap)
  const [{ url, sql, drop }] = await Promise.all([
    database(postgresAt),
    createTopics ? kafka.createTopics(Object.values(topics), { partitions }) : null,
  ])
  const services: RunningService[] = []
  const all = {
    DATABASE_URL: url,
    KAFKA_BOOTSTRAP_SERVERS: options.bootstrap ?? bootstrap,
    KAFKA_CONSUMER_GROUP: name,
    KAFKA_TOPIC_ORDER_PLACED: topics.placed,
    KAFKA_TOPIC_ORDER_CANCELLED: topics.cancelled,
    KAFKA_TOPIC_TRADE_EXECUTED: topics.trades,
    KAFKA_TOPIC_TRADE_DLQ: topics.deadLetters,
    KAFKA_TOPIC_ORDER_REPORT: topics.reports,
    KAFKA_TOPIC_REPORT_DLQ: topics.reportLetters,
    KAFKA_TOPIC_PARTITIONS: String(partitions),
    SHUTDOWN_READINESS_DELAY_MS: '0',
    SERVER_HOST: '127.0.0.1',
    ...patience,
    ...env,
  }
  return {
    name,
    topics,
    group: name,
    databaseUrl: url,
    sql,
    kafka,
    env: all,
    async start(options = {}) {
      const service = await startService({ ...options, env: { ...all, ...options.env } })
      services.push(service)
      return service
    },
    publishTrades: (...trades) =>
      kafka.publish(
        trades.map((trade): Outgoing => ({ topic: topics.trades, key: trade.ticker, value: JSON.stringify(trade) })),
      ),
    publishReports: (...reports) =>
      kafka.publish(
        reports.map((report): Outgoing => ({
          topic: topics.reports,
          key: report.ticker,
          value: JSON.stringify(report),
        })),
      ),
    reportsConsumed: () => kafka.consumed(`${name}.reports`, topics.reports),
    tradesConsumed: () => kafka.consumed(name, topics.trades),
    async outboxEmpty() {
      await until(async () => (await sql`select from outbox limit 1`).length === 0, { what: 'the outbox is empty' })
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(services.map((service) => service[Symbol.asyncDispose]()))
      if (createTopics) await kafka.deleteTopics(Object.values(topics)).catch(() => undefined)
      await kafka.close().catch(() => undefined)
      await drop()
    },
  }
}

/**
 * The world of one test file with a service in it: both start when the file is loaded and end after its last test.
 * `const { world, service } = await ownWorld()`
 */
export const ownWorld = async (options?: WorldOptions): Promise<{ world: World; service: RunningService }> => {
  const world = await createWorld(options)
  afterAll(() => world[Symbol.asyncDispose]())
  return { world, service: await world.start() }
}
