// `bun run up` brings up the whole system on this machine: Postgres, Kafka, the service, the matching engine. Ctrl-C, SIGTERM and
// SIGHUP stop it all in reverse order; nothing is left behind, however it ends. A fault that a person can mend is one sentence
// before anything has started.

import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { demoSession } from './fixSession.ts'
import { endAllHeld, killAllHeld } from './guard.ts'
import { startKafka } from './kafka.ts'
import { watchLaunchers } from './launchers.ts'
import { dataDir, logDir } from './paths.ts'
import { createDatabase, startPostgres } from './postgres.ts'
import { removePostgresData } from './postgresUser.ts'
import type { Server } from './server.ts'
import { engineMain, serviceMain, startEngine, startService } from './service.ts'
import { onStopSignals } from './signals.ts'
import { StackError } from './stackError.ts'
import { endLeftovers, removeState, writeState, type StackState } from './state.ts'
import { createTopics, topicNames } from './topics.ts'
import { help, readSettings, refuseTakenPorts, type UpSettings } from './upSettings.ts'
import { welcome } from './welcome.ts'

const postgresDir = join(dataDir, 'postgres')
const kafkaDir = join(dataDir, 'kafka')
const databaseName = 'orders'

const state: StackState = { pid: process.pid, databaseUrl: null, kafka: null, processes: [] }
let stopping = false

const stop = async (exitCode: number): Promise<never> => {
  stopping = true
  await endAllHeld()
  removeState()
  process.exit(exitCode)
}

const endTogether = async (server: Server): Promise<void> => {
  const exitCode = await server.exited
  if (stopping) return
  console.error(
    `${server.name} ended by itself (exit code ${exitCode}); the end of its log:\n${await server.logTail()}`,
  )
  await stop(1)
}

/** Notes the process for the next `up`; if it ends unexpectedly, everything ends. */
const watch = <S extends Server>(server: S, mark: string): S => {
  state.processes.push({ name: server.name, pid: server.pid, mark })
  writeState(state)
  void endTogether(server)
  return server
}

const bringUpPostgres = async ({ databaseUrl, postgresPort }: UpSettings): Promise<string> => {
  if (databaseUrl !== null) return databaseUrl
  console.log('starting Postgres')
  const server = watch(await startPostgres({ dataDir: postgresDir, port: postgresPort, log: console.log }), postgresDir)
  return createDatabase(server.url, databaseName)
}

const ownKafka = async ({ port, partitions }: { port: number; partitions: number }): Promise<string | null> => {
  console.log('starting Kafka')
  try {
    return watch(await startKafka({ dataDir: kafkaDir, port, partitions, log: console.log }), kafkaDir).bootstrap
  } catch (error) {
    const missing = error instanceof StackError && (error.code === 'JAVA_MISSING' || error.code === 'MAVEN_MISSING')
    if (!missing || stopping) throw error
    console.error(`${error.message} Going on without Kafka and the engine.`)
    return null
  }
}

/** Without a JDK or Maven the rest is still worth having: orders are accepted and their events wait. */
const bringUpKafka = async ({ kafka, kafkaPort, partitions }: UpSettings): Promise<string | null> => {
  const bootstrap = kafka ?? (await ownKafka({ port: kafkaPort, partitions }))
  if (bootstrap === null) return null
  const created = await createTopics(bootstrap, { names: topicNames(process.env), partitions })
  if (created.length > 0) console.log(`created topics ${created.join(', ')} with ${partitions} partitions`)
  return bootstrap
}

const forgetData = (): void => {
  removePostgresData(postgresDir)
  rmSync(kafkaDir, { recursive: true, force: true })
}

const up = async ({ fresh, verbose }: { fresh: boolean; verbose: boolean }): Promise<void> => {
  const settings = readSettings(process.env)
  await endLeftovers(console.log)
  await refuseTakenPorts(settings)
  rmSync(logDir, { recursive: true, force: true })
  if (fresh) forgetData()
  writeState(state)
  const [databaseUrl, kafka] = await Promise.all([bringUpPostgres(settings), bringUpKafka(settings)])
  Object.assign(state, { databaseUrl, kafka })
  const bootstrap = kafka ?? `127.0.0.1:${settings.kafkaPort}`
  const kafkaEnv = { KAFKA_BOOTSTRAP_SERVERS: bootstrap, ENGINE_FEATURES: settings.engineFeatures }
  const fix = settings.fix?.ownSession === true ? await demoSession() : null
  const fixEnv = fix === null ? null : { FIX_SESSIONS_FILE: fix.file }
  const env = { DATABASE_URL: databaseUrl, ...kafkaEnv, ...fixEnv }
  watch(await startService({ port: settings.serverPort, env, verbose }), serviceMain)
  if (kafka !== null) watch(await startEngine({ env, verbose }), engineMain)
  const logs = verbose ? 'above' : logDir
  console.log(
    welcome({ serverPort: settings.serverPort, state, logs, fix: fix && { ...fix, port: settings.fix!.port } }),
  )
}

/** The servers are gone at once; their next start recovers, as after a power cut. */
const kill = async (): Promise<never> => {
  await killAllHeld()
  removeState()
  process.exit(130)
}

const stopOnSignals = (): void => {
  const first = () => {
    if (stopping) return
    console.log('\nstopping (again to kill at once)')
    void stop(0)
  }
  const onSignal = onStopSignals({ first, again: () => void kill() })
  watchLaunchers(onSignal)
}

/** Null: they are wrong, and that was said. */
const readFlags = () => {
  const flag = { type: 'boolean', default: false } as const
  try {
    return parseArgs({ options: { fresh: flag, verbose: flag, help: { ...flag, short: 'h' } } }).values
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n\n${help}`)
    return null
  }
}

const main = async (): Promise<void> => {
  const flags = readFlags()
  if (flags === null) return process.exit(2)
  if (flags.help) return console.log(help)
  stopOnSignals()
  try {
    await up(flags)
  } catch (error) {
    if (stopping) return
    console.error(error instanceof StackError ? error.message : error)
    await stop(1)
  }
}

await main()
