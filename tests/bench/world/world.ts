// The servers of a run: a Postgres and a Kafka of its own, on disk and with full durability, the compiled binary, and a template of
// its schema that every measurement starts from.

import { mkdirSync, rmSync, statfsSync } from 'node:fs'
import { totalmem } from 'node:os'
import { join } from 'node:path'
import postgres from 'postgres'
import { buildBinary } from '../../../src/build/build.ts'
import { startKafka, type KafkaServer } from '../../stack/kafka.ts'
import { freePort } from '../../stack/ports.ts'
import { createDatabase, databaseUrl, startPostgres, type PostgresServer } from '../../stack/postgres.ts'
import { removePostgresData } from '../../stack/postgresUser.ts'
import { runTool } from '../../stack/server.ts'
import { StackError } from '../../stack/stackError.ts'
import { withAdmin } from '../../stack/topics.ts'
import { runProducerPerf } from '../measure/producerPerf.ts'
import { verify } from '../recount/verify.ts'
import { loadOrders } from './loader.ts'

export type World = {
  dir: string
  binary: string
  postgres: PostgresServer
  kafka: KafkaServer
  /** An empty database with the service's schema; answers its URL. */
  cloneDatabase: (name: string, from?: string) => Promise<string>
  dropDatabase: (name: string) => Promise<void>
  /** A database with so many loaded orders, kept for later; loads and verifies it unless it is there. Answers its name. */
  loadedDatabase: (orders: number) => Promise<string>
  urlOf: (database: string) => string
  /** No measurement pays for the pages that another one left dirty. */
  checkpoint: () => Promise<void>
  /** No measurement pays for a broker that has just started: to be called after each restart. */
  warmKafka: () => Promise<void>
  /**
   * Another binary on the same servers. Its databases are its own, made by itself and with `name` in theirs: an older binary
   * refuses a newer schema. The servers stay this world's, so closing the other does nothing.
   */
  beside: (binary: string, name: string) => Promise<World>
  close: () => Promise<void>
}

export const partitions = 6
/** The prefix of all names of one measurement, in Postgres and in Kafka: a run that resumes removes everything with it. */
export const trialPrefix = 'trial_'

const tmpfs = 0x01021994
const progressMs = 5_000

const megabytes = (bytes: number): string => `${Math.round(bytes / 2 ** 20)}MB`

/**
 * The settings of an operator for this load: an eighth of the memory for the cache, and checkpoints by time, so that their number
 * does not decide a short measurement. The limits run on the same server.
 */
export const postgresSettings = (memoryBytes: number): Record<string, string> => ({
  fsync: 'on',
  synchronous_commit: 'on',
  full_page_writes: 'on',
  track_commit_timestamp: 'on',
  shared_buffers: megabytes(Math.min(memoryBytes / 8, 4 * 2 ** 30)),
  max_wal_size: '8GB',
  checkpoint_timeout: '15min',
})

/** Records have the broker's time: latencies are measured until the append. */
const kafkaSettings = {
  'log.message.timestamp.type': 'LogAppendTime',
  'log.retention.hours': '24',
} as const

const refuseMemoryDisk = (dir: string): void => {
  if (process.platform !== 'linux' || statfsSync(dir).type !== tmpfs) return
  throw new StackError('START_FAILED', `${dir} is in memory (tmpfs): a benchmark of durable writes needs a disk.`)
}

const migrate = async (binary: string, url: string): Promise<void> => {
  const { exitCode, output } = await runTool([binary, 'migrate'], { env: { DATABASE_URL: url } })
  if (exitCode !== 0) throw new StackError('START_FAILED', `${binary} could not make its schema: ${output}`)
}

/** Removes what an interrupted measurement left behind. */
const removeLeftovers = async (sql: postgres.Sql, bootstrap: string): Promise<void> => {
  const left = await sql<{ datname: string }[]>`select datname from pg_database where datname like ${`${trialPrefix}%`}`
  for (const { datname } of left) await sql`drop database ${sql(datname)} with (force)`
  await withAdmin(bootstrap, async (admin) => {
    const topics = (await admin.listTopics()).filter((name) => name.startsWith(trialPrefix))
    if (topics.length > 0) await admin.deleteTopics({ topics })
  })
}

/**
 * For minutes the JVM of a new broker compiles its code, at up to half a core, which on two cores is a quarter of every figure; in
 * production a broker has been up for long. Batches are small, so that there are many requests.
 */
const warmBroker = async (bootstrap: string): Promise<void> => {
  const topic = `${trialPrefix}warm`
  await withAdmin(bootstrap, (admin) => admin.createTopics({ topics: [topic], partitions, replicas: 1 }))
  await runProducerPerf({ bootstrap, topic, records: 400_000, recordBytes: 600, batchBytes: 3_000 })
  await withAdmin(bootstrap, (admin) => admin.deleteTopics({ topics: [topic] }))
}

type Log = (line: string) => void

const count = (n: number): string => n.toLocaleString('en-US')

const load = async (url: string, orders: number, { binary, log }: { binary: string; log: Log }): Promise<void> => {
  let toldAt = performance.now()
  await loadOrders(url, { from: 0, to: orders }, (done) => {
    if (performance.now() - toldAt < progressMs) return
    toldAt = performance.now()
    log(`loading: ${count(done)} of ${count(orders)} orders`)
  })
  log(`verifying ${count(orders)} loaded orders`)
  const { ok, faults } = await verify(binary, { DATABASE_URL: url }, { topics: false })
  if (!ok) throw new Error(`the loader made rows that the service would not have: ${faults.join('; ')}`)
}

/** The databases of one binary: `suffix` keeps them apart from those of another on the same server. */
type Owner = { binary: string; suffix: string; log: Log }

const databases = async (sql: postgres.Sql, server: PostgresServer, { binary, suffix, log }: Owner) => {
  const template = `empty${suffix}`
  const exists = async (name: string): Promise<boolean> =>
    (await sql`select 1 from pg_database where datname = ${name}`).length > 0
  const dropDatabase = async (name: string): Promise<void> => {
    await sql`drop database if exists ${sql(name)} with (force)`
  }
  const cloneDatabase = async (name: string, from = template): Promise<string> => {
    // Copying files is the quicker way for a large one; it costs a checkpoint, which comes before a measurement anyway.
    const strategy = from === template ? sql`wal_log` : sql`file_copy`
    await sql`create database ${sql(name)} template ${sql(from)} strategy ${strategy}`
    return databaseUrl(server.url, name)
  }
  await dropDatabase(template)
  await migrate(binary, await createDatabase(server.url, template))
  return {
    dropDatabase,
    cloneDatabase,
    async loadedDatabase(orders: number): Promise<string> {
      const name = `loaded_${orders}${suffix}`
      if (await exists(name)) return name
      // It has another name until it is complete.
      const half = `${trialPrefix}${name}`
      await dropDatabase(half)
      await load(await cloneDatabase(half), orders, { binary, log })
      await sql`alter database ${sql(half)} rename to ${sql(name)}`
      return name
    },
    urlOf: (name: string) => databaseUrl(server.url, name),
    checkpoint: async () => void (await sql`checkpoint`),
  }
}

/** Opens a world in an empty folder, or on the data of an interrupted run. */
export const startWorld = async (dir: string, { log }: { log: Log }): Promise<World> => {
  mkdirSync(dir, { recursive: true })
  refuseMemoryDisk(dir)
  const binary = join(dir, 'orders')
  const [server, kafka] = await Promise.all([
    startPostgres({
      dataDir: join(dir, 'postgres'),
      port: await freePort(),
      settings: postgresSettings(totalmem()),
      log,
    }),
    startKafka({ dataDir: join(dir, 'kafka'), port: await freePort(), partitions, settings: kafkaSettings, log }),
    buildBinary({ outfile: binary }),
  ])
  const sql = postgres(server.url, { max: 1, onnotice: () => undefined })
  await removeLeftovers(sql, kafka.bootstrap)
  const own = await databases(sql, server, { binary, suffix: '', log })
  await warmBroker(kafka.bootstrap)
  const world: World = {
    dir,
    binary,
    postgres: server,
    kafka,
    ...own,
    warmKafka: () => warmBroker(kafka.bootstrap),
    async beside(other, name) {
      const its = await databases(sql, server, { binary: other, suffix: `_${name}`, log })
      return { ...world, binary: other, ...its, close: async () => undefined }
    },
    async close() {
      await sql.end({ timeout: 1 })
      await Promise.all([server.stop(), kafka.stop()])
    },
  }
  return world
}

/** Removes the servers' data, which nobody needs once everything is measured. */
export const forgetServers = (dir: string): void => {
  removePostgresData(join(dir, 'postgres'))
  rmSync(join(dir, 'kafka'), { recursive: true, force: true })
}

export const forgetWorld = (dir: string): void => {
  forgetServers(dir)
  rmSync(dir, { recursive: true, force: true })
}
