// One Postgres and one Kafka for a whole test run, started when the first test needs them and gone at its end. `bun test
// tests/domain` needs neither and starts nothing. If DATABASE_URL or KAFKA_BOOTSTRAP_SERVERS is set, that server is used instead.
// A test that wants to kill a server starts its own (tests/stack).

import { mkdtempSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { removeOnDeath } from '../stack/guard.ts'
import { startKafka } from '../stack/kafka.ts'
import { freePort } from '../stack/ports.ts'
import { startPostgres } from '../stack/postgres.ts'

type Stoppable = { stop(): Promise<void> }

const running: Stoppable[] = []
const dirs: string[] = []
let postgres: Promise<{ url: string }> | null = null
let kafka: Promise<{ bootstrap: string }> | null = null

/** A folder that is removed at the end of the run, however the run ends. */
export const temporaryDir = (name: string): string => {
  const dir = mkdtempSync(join(tmpdir(), `orders-${name}-`))
  dirs.push(dir)
  removeOnDeath(dir)
  return dir
}

const throwAwayPostgres = async (): Promise<{ url: string }> => {
  const server = await startPostgres({ dataDir: temporaryDir('postgres'), port: await freePort() })
  running.push(server)
  return server
}

/** The shared server's URL, of a superuser and its maintenance database: tests create their own databases in it. */
export const postgresServer = (): Promise<{ url: string }> => {
  const url = process.env['DATABASE_URL']
  postgres ??= url ? Promise.resolve({ url }) : throwAwayPostgres()
  return postgres
}

const throwAwayKafka = async (): Promise<{ bootstrap: string }> => {
  const server = await startKafka({ dataDir: temporaryDir('kafka'), port: await freePort() })
  running.push(server)
  return server
}

/** The shared broker: tests create their own topics and groups in it. */
export const kafkaServer = (): Promise<{ bootstrap: string }> => {
  const bootstrap = process.env['KAFKA_BOOTSTRAP_SERVERS']
  kafka ??= bootstrap ? Promise.resolve({ bootstrap }) : throwAwayKafka()
  return kafka
}

/** Called once, after the last test (preload.ts). */
export const stopServers = async (): Promise<void> => {
  await Promise.allSettled([postgres, kafka])
  await Promise.all(running.splice(0).map((server) => server.stop()))
  await Promise.all(dirs.splice(0).map((dir) => rm(dir, { recursive: true, force: true })))
}
