// `bun run chaos`: see options.ts for what it takes and README.md for what it proves.

import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { runCommand } from '../../src/build/command.ts'
import { endAllHeld, killAllHeld } from '../stack/guard.ts'
import { dataDir } from '../stack/paths.ts'
import { freePort } from '../stack/ports.ts'
import { removePostgresData } from '../stack/postgresUser.ts'
import { onStopSignals } from '../stack/signals.ts'
import { help, readOptions, type Options } from './options.ts'
import { writeReport } from './report.ts'
import { runAll, type Outcome } from './run.ts'
import { newState, readState, writeState, type Ports, type RunState } from './runState.ts'
import { startWorld } from './world.ts'

const chaosDir = join(dataDir, 'chaos')
const portNames = [
  'postgres',
  'kafka',
  'controller',
  'kafkaA',
  'kafkaB',
  'kafkaProxyA',
  'kafkaProxyB',
  'postgresProxyA',
  'postgresProxyB',
  'replicaA',
  'replicaB',
  'replicaC',
  'fixA',
  'fixB',
] as const satisfies (keyof Ports)[]

const forget = (dir: string): void => {
  removePostgresData(join(dir, 'postgres'))
  rmSync(dir, { recursive: true, force: true })
}

const freePorts = async (): Promise<Ports> =>
  Object.fromEntries(await Promise.all(portNames.map(async (name) => [name, await freePort()]))) as Ports

const begin = async (dir: string, { resume, seed }: Options): Promise<RunState> => {
  if (resume) return readState(dir, seed)
  forget(dir)
  mkdirSync(dir, { recursive: true })
  return newState(seed, await freePorts())
}

const conclude = (dir: string, name: string, state: RunState, { violations, verdict, acked }: Outcome): number => {
  writeReport(chaosDir, name, { state, verdict, violations })
  for (const { kind, detail } of violations.slice(0, 20)) console.log(`  ${kind}: ${detail}`)
  if (violations.length > 0) console.log(`  the logs are in ${dir}; run again with --seed ${state.seed}`)
  console.log(`report: ${join(chaosDir, `${name}.md`)}`)
  console.log(`${state.cycles} cycles, ${acked} orders, ${violations.length} violations`)
  return violations.length === 0 ? 0 : 1
}

const main = async (): Promise<number> => {
  const options = readOptions(process.argv.slice(2))
  if (options === 'help') {
    console.log(help)
    return 0
  }
  const name = options.short ? 'short' : 'run'
  const dir = join(chaosDir, name)
  const state = await begin(dir, options)
  const span = options.minutes === null ? `to ${options.cycles}` : `for ${options.minutes} minutes`
  console.log(
    `seed ${state.seed}, cycles ${state.cycles + 1} ${span}, ${options.streams} streams; starting Postgres, Kafka, the engine, two replicas`,
  )
  writeState(dir, state)
  const world = await startWorld(dir, state.ports)
  const outcome = await runAll(world, state, options)
  await world.close()
  await endAllHeld()
  const exitCode = conclude(dir, name, state, outcome)
  // A short run that found nothing leaves its report only.
  if (options.short && exitCode === 0) forget(dir)
  return exitCode
}

onStopSignals({
  first: () => void endAllHeld().then(() => process.exit(130)),
  again: () => void killAllHeld().then(() => process.exit(130)),
})
await runCommand(main)
