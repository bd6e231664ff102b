// Runs the tests of one combination in a process of their own, on a Postgres and a Kafka of that combination; what a test starts
// itself is of the same versions, by the environment.

import { appendFileSync, closeSync, openSync, rmSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { Readable } from 'node:stream'
import postgres from 'postgres'
import { repoDir } from '../../src/build/repository.ts'
import { hold, release, removeOnDeath } from '../stack/guard.ts'
import { countTests, failedTests, type TestCounts } from '../stack/junit.ts'
import { startKafka } from '../stack/kafka.ts'
import { dataDir } from '../stack/paths.ts'
import { freePort } from '../stack/ports.ts'
import { startPostgres } from '../stack/postgres.ts'
import { removePostgresData } from '../stack/postgresUser.ts'
import { StackError } from '../stack/stackError.ts'
import { choosing, kafkaReleases } from '../stack/versions.ts'
import type { Combination } from './options.ts'
import { createProgress } from './progress.ts'
import type { Result } from './table.ts'

const matrixDir = join(dataDir, 'matrix')

export type Outcome = Result & {
  /** The tests that failed, each as `file: name`. */
  names: readonly string[]
  /** What the tests wrote. */
  log: string
}

type Show = (line: string) => void
type Servers = { url: string; bootstrap: string; postgresVersion: string; stop: () => Promise<void> }

const versionOf = async (url: string): Promise<string> => {
  const sql = postgres(url, { max: 1 })
  try {
    const [row] = await sql<{ server_version: string }[]>`show server_version`
    return row!.server_version
  } finally {
    await sql.end()
  }
}

const startServers = async (of: Combination, dir: string, log: Show): Promise<Servers> => {
  const [database, broker] = await Promise.all([
    startPostgres({ dataDir: join(dir, 'postgres'), port: await freePort(), version: of.postgres, log }),
    startKafka({ dataDir: join(dir, 'kafka'), port: await freePort(), version: of.kafka, log }),
  ])
  return {
    url: database.url,
    bootstrap: broker.bootstrap,
    postgresVersion: await versionOf(database.url),
    stop: async () => void (await Promise.all([broker.stop(), database.stop()])),
  }
}

type TestRun = { files: readonly string[]; env: Record<string, string>; log: string; report: string; show: Show }

/** Answers the exit code. Everything goes into the log as it comes; the lines of progress are shown. */
const runTests = async ({ files, env, log, report, show }: TestRun): Promise<number> => {
  const output = openSync(log, 'w')
  const reporter = ['--reporter=junit', `--reporter-outfile=${report}`]
  const child = Bun.spawn([process.execPath, 'test', ...reporter, ...files.map((file) => `./${file}`)], {
    cwd: repoDir,
    stdio: ['ignore', output, 'pipe'],
    detached: true,
    env: { ...process.env, ...env },
  })
  hold(child.pid, 'SIGTERM')
  const startedAt = performance.now()
  const progress = createProgress(files.length)
  for await (const line of createInterface({ input: Readable.fromWeb(child.stderr as never) })) {
    appendFileSync(output, `${line}\n`)
    for (const each of progress(line, (performance.now() - startedAt) / 1000)) show(each)
  }
  const exitCode = await child.exited
  release(child.pid)
  closeSync(output)
  return exitCode
}

const readReport = async (path: string): Promise<string> => {
  const file = Bun.file(path)
  return (await file.exists()) ? file.text() : ''
}

const nothing: TestCounts = { passed: 0, failed: 0, skipped: 0 }

/** Servers that do not start, or tests that end badly without a failed one, count as one failure. */
export const runCombination = async (of: Combination, files: readonly string[], show: Show): Promise<Outcome> => {
  const dir = join(matrixDir, `postgres-${of.postgres}-kafka-${of.kafka}`)
  const [log, report] = [`${dir}.log`, join(dir, 'junit.xml')]
  const forget = (): void => {
    removePostgresData(join(dir, 'postgres'))
    rmSync(dir, { recursive: true, force: true })
  }
  const outcome: Outcome = {
    ...of,
    kafka: kafkaReleases[of.kafka].version,
    counts: nothing,
    seconds: 0,
    names: [],
    log,
  }
  forget()
  await mkdir(dir, { recursive: true })
  removeOnDeath(dir)
  const startedAt = performance.now()
  try {
    const servers = await startServers(of, dir, show)
    outcome.postgres = servers.postgresVersion
    const places = { DATABASE_URL: servers.url, KAFKA_BOOTSTRAP_SERVERS: servers.bootstrap }
    const exitCode = await runTests({
      files,
      env: { ...choosing(of.postgres, of.kafka), ...places },
      log,
      report,
      show,
    })
    await servers.stop()
    const xml = await readReport(report)
    outcome.names = failedTests(xml).map(({ name }) => name)
    outcome.counts = countTests(xml)
    if (exitCode !== 0 && outcome.counts.failed === 0)
      throw new StackError('START_FAILED', `the tests ended with ${exitCode}`)
  } catch (error) {
    show(error instanceof StackError ? error.message : String(error))
    outcome.counts = { ...outcome.counts, failed: outcome.counts.failed + 1 }
  }
  forget()
  return { ...outcome, seconds: (performance.now() - startedAt) / 1000 }
}
