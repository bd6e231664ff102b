// Describes the machine of the measurement: the figures mean nothing without it.

import { existsSync, readFileSync } from 'node:fs'
import { cpus, release, totalmem, type } from 'node:os'
import { join } from 'node:path'
import postgres from 'postgres'
import { chosenKafka, kafkaReleases } from '../../stack/versions.ts'
import { runCommand } from '../measure/command.ts'
import type { Tools } from './tools.ts'
import { postgresSettings, type World } from './world.ts'

export type Machine = {
  cpu: string
  cores: number
  memoryGb: number
  system: string
  bun: string
  /** Of the binary that was measured. */
  service: string
  postgres: string
  kafka: string
  java: string
  wrk: string
  pgbench: string
  postgresSettings: Record<string, string>
  /** The line of pg_test_fsync for what Postgres uses on Linux, or why there is none. */
  fsync: string
}

export const outputOf = (command: readonly string[]): string => {
  const { stdout, stderr } = Bun.spawnSync([...command], { stdin: 'ignore' })
  return `${stdout.toString()}${stderr.toString()}`.trim()
}

const firstLine = (text: string): string => text.split('\n')[0] ?? ''

const distribution = (): string => {
  const file = '/etc/os-release'
  const name = existsSync(file) ? /^PRETTY_NAME="(.*)"$/m.exec(readFileSync(file, 'utf8'))?.[1] : undefined
  return `${name ?? type()}, kernel ${release()}`
}

const serverVersion = async (world: World): Promise<string> => {
  const sql = postgres(world.postgres.url, { max: 1 })
  const [row] = await sql<{ server_version: string }[]>`show server_version`
  await sql.end()
  return row!.server_version
}

/** The first table of pg_test_fsync (one 8 kB write) has the line of the method that Postgres uses by default. */
export const parseTestFsync = (output: string): string => {
  const line = /^\s+fdatasync\s+([\d.]+) ops\/sec\s+(\d+) usecs\/op/m.exec(output)
  return line ? `fdatasync ${line[1]}/s, ${line[2]} µs each` : 'pg_test_fsync did not measure fdatasync'
}

/** Prints all that it says as it says it: about twenty seconds. */
export const testFsync = async (tools: Tools, world: World, say: (line: string) => void): Promise<string> => {
  if (tools.testFsync === null)
    return 'not measured: pg_test_fsync is not here (it comes with the Postgres server packages)'
  const command = [tools.testFsync, '-s', '1', '-f', join(world.dir, 'pg_test_fsync.out')]
  const { output } = await runCommand(command, { onLine: (line) => line.trim() !== '' && say(`  ${line}`) })
  return parseTestFsync(output)
}

export const describeMachine = async (world: World, tools: Tools, fsync: string): Promise<Machine> => ({
  cpu: cpus()[0]?.model ?? 'unknown',
  cores: cpus().length,
  memoryGb: Math.round(totalmem() / 2 ** 30),
  system: distribution(),
  bun: Bun.version,
  service: outputOf([world.binary, '--version']),
  postgres: await serverVersion(world),
  kafka: kafkaReleases[chosenKafka(process.env)].version,
  java: firstLine(outputOf(['java', '-version'])),
  wrk: /wrk \S+/.exec(outputOf([tools.wrk, '-v']))?.[0] ?? 'wrk',
  pgbench: firstLine(outputOf([tools.pgbench, '--version'])),
  postgresSettings: postgresSettings(totalmem()),
  fsync,
})
