// The resources of one measurement: a database, four topics, and the service on them. They end with the measurement, so none
// starts with the rows, messages or warm caches of another.

import { join } from 'node:path'
import postgres from 'postgres'
import { freePort } from '../../stack/ports.ts'
import { startServer, type Server } from '../../stack/server.ts'
import { withAdmin } from '../../stack/topics.ts'
import { parseMetrics } from '../../support/metricsPage.ts'
import { partitions, trialPrefix, type World } from './world.ts'

type Topics = { placed: string; cancelled: string; trades: string; letters: string }

export type Trial = AsyncDisposable & {
  name: string
  databaseUrl: string
  topics: Topics
  group: string
  /** The harness's own session. */
  sql: postgres.Sql
  /** The environment of the service and its other commands. */
  env: Record<string, string>
  /** Starts the service, which `url` then answers; resolves when it is ready. */
  serve: () => Promise<Server>
  url: string
  /** Starts a process that shares the port of `url` with others that were started so. */
  serveShared: () => Promise<{ pid: number }>
  /** Starts another replica, on a port of its own. */
  serveBeside: () => Promise<{ pid: number; url: string }>
  /** The figures of /metrics by name, labels included. */
  metrics: () => Promise<Record<string, number>>
}

export type TrialOptions = {
  /** Use this database and leave it there, instead of one of its own. */
  database?: string
  /** Make its own database a copy of this one. */
  copyOf?: string
  env?: Record<string, string>
}

const topicsOf = (name: string): Topics => ({
  placed: `${name}.placed`,
  cancelled: `${name}.cancelled`,
  trades: `${name}.trades`,
  letters: `${name}.letters`,
})

const operatorsPort = (env: Record<string, string>): string => env['MANAGEMENT_PORT'] ?? env['SERVER_PORT']!

const startService = (world: World, env: Record<string, string>): Promise<Server> =>
  startServer({
    name: 'the service',
    command: [world.binary, 'serve'],
    env,
    output: { file: join(world.dir, 'service.log') },
    askToStop: 'SIGTERM',
    stopLimitMs: 60_000,
    readyLimitMs: 60_000,
    isReady: async () => (await fetch(`http://127.0.0.1:${operatorsPort(env)}/actuator/health/readiness`)).ok,
  })

/**
 * Loads the orders, then their key, into the cache as far as there is room, as in a server that has been up for a while. Otherwise
 * a measurement of seconds would measure how quickly a cache fills that other measurements used before.
 */
const fillCache = async (sql: postgres.Sql): Promise<void> => {
  await sql`create extension if not exists pg_prewarm`
  await sql`select pg_prewarm('orders')`
  await sql`select pg_prewarm('orders_pkey')`
}

export const openTrial = async (world: World, options: TrialOptions = {}): Promise<Trial> => {
  const name = `${trialPrefix}${crypto.randomUUID().slice(0, 8)}`
  const topics = topicsOf(name)
  const bootstrap = world.kafka.bootstrap
  await withAdmin(bootstrap, (admin) => admin.createTopics({ topics: Object.values(topics), partitions, replicas: 1 }))
  const databaseUrl = options.database ? world.urlOf(options.database) : await world.cloneDatabase(name, options.copyOf)
  await world.checkpoint()
  const sql = postgres(databaseUrl, { max: 2, onnotice: () => undefined })
  if (options.database !== undefined || options.copyOf !== undefined) await fillCache(sql)
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const env = {
    DATABASE_URL: databaseUrl,
    KAFKA_BOOTSTRAP_SERVERS: bootstrap,
    KAFKA_CONSUMER_GROUP: name,
    KAFKA_TOPIC_ORDER_PLACED: topics.placed,
    KAFKA_TOPIC_ORDER_CANCELLED: topics.cancelled,
    KAFKA_TOPIC_TRADE_EXECUTED: topics.trades,
    KAFKA_TOPIC_TRADE_DLQ: topics.letters,
    SERVER_HOST: '127.0.0.1',
    SERVER_PORT: String(port),
    SHUTDOWN_READINESS_DELAY_MS: '0',
    ...options.env,
  }
  const services: Server[] = []
  return {
    name,
    databaseUrl,
    topics,
    group: name,
    sql,
    env,
    url,
    async serve() {
      const service = await startService(world, env)
      services.push(service)
      return service
    },
    async serveShared() {
      const own = { SERVER_REUSE_PORT: 'true', MANAGEMENT_PORT: String(await freePort()) }
      const service = await startService(world, { ...env, ...own })
      services.push(service)
      return service
    },
    async serveBeside() {
      const own = String(await freePort())
      const service = await startService(world, { ...env, SERVER_PORT: own })
      services.push(service)
      return { pid: service.pid, url: `http://127.0.0.1:${own}` }
    },
    metrics: async () => parseMetrics(await (await fetch(`${url}/metrics`)).text()),
    async [Symbol.asyncDispose]() {
      await Promise.all(services.map((service) => service.stop()))
      await sql.end({ timeout: 1 })
      if (options.database === undefined) await world.dropDatabase(name)
      await withAdmin(bootstrap, (admin) => admin.deleteTopics({ topics: Object.values(topics) }))
    },
  }
}
