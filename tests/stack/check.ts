// `bun run check` runs everything that has to hold before a change is in: types, lint, format, dead code, licences and known
// vulnerabilities of the packages, the binary, and every test against a real Postgres and Kafka of its own. It stops at the first
// step that fails and names it at the end, with the tests that failed; its last line is `N passed, N failed`. Everything that it
// started is gone afterwards, also after Ctrl-C.

import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Glob } from 'bun'
import { buildBinary } from '../../src/build/build.ts'
import { inRepo, repoDir } from '../../src/build/repository.ts'
import { findChromium, noChromium } from '../browser/executable.ts'
import { crashingBinary } from '../support/binary.ts'
import { endAllHeld, hold, killAllHeld, release, removeOnDeath } from './guard.ts'
import { countTests, failedTests, shorten, summarise, type FailedTest, type TestCounts } from './junit.ts'
import { startKafka } from './kafka.ts'
import { groupsOf, lanesOf, runInLanes, showOutput } from './lanes.ts'
import { freePort } from './ports.ts'
import { startPostgres } from './postgres.ts'
import { onStopSignals } from './signals.ts'
import { StackError } from './stackError.ts'

const check = async (): Promise<number> => {
  removeOnDeath(workDir)
  mkdirSync(reportsDir)
  for (const [name, step] of Object.entries(steps)) {
    console.log(`\n== ${name}`)
    const startedAt = performance.now()
    const ok = await step()
    console.log(`== ${name}: ${ok ? 'ok' : 'FAILED'} (${((performance.now() - startedAt) / 1000).toFixed(1)} s)`)
    if (!ok) {
      failedStep = name
      return 1
    }
  }
  return 0
}

const workDir = mkdtempSync(join(tmpdir(), 'orders-check-'))
const reportsDir = join(workDir, 'reports')
let stopping = false
let failedStep = ''

const run = async (command: string[], env: Record<string, string> = {}): Promise<boolean> => {
  const stdio = ['ignore', 'inherit', 'inherit'] as ['ignore', 'inherit', 'inherit']
  const child = Bun.spawn(command, { cwd: repoDir, stdio, detached: true, env: { ...process.env, ...env } })
  hold(child.pid, 'SIGTERM')
  const exitCode = await child.exited
  release(child.pid)
  return exitCode === 0
}

/** The npm tools are scripts for node; bun runs them itself, in half the time. */
const tool = (name: string, ...args: string[]): Promise<boolean> =>
  run([process.execPath, '--bun', inRepo('node_modules', '.bin', name), ...args])

/** For several test processes, each with services of its own. */
const connectionsMax = '400'

const postgres = async (): Promise<string> => {
  const settings = { max_connections: connectionsMax }
  return (
    await startPostgres({ dataDir: join(workDir, 'postgres'), port: await freePort(), settings, log: console.log })
  ).url
}

const kafka = async (): Promise<string> =>
  (await startKafka({ dataDir: join(workDir, 'kafka'), port: await freePort(), log: console.log })).bootstrap

/** Servers for this run alone, on disk and with full durability as in production; those of the environment if it names some. */
const startServers = async (): Promise<boolean> => {
  const { DATABASE_URL, KAFKA_BOOTSTRAP_SERVERS } = process.env
  const [url, bootstrap] = await Promise.all([DATABASE_URL || postgres(), KAFKA_BOOTSTRAP_SERVERS || kafka()])
  Object.assign(servers, { DATABASE_URL: url, KAFKA_BOOTSTRAP_SERVERS: bootstrap })
  return true
}

/** Runs some test files in a process of their own. */
const runGroup = async (files: readonly string[], at: number): Promise<boolean> => {
  const report = ['--reporter=junit', `--reporter-outfile=${join(reportsDir, `${at}.xml`)}`]
  const child = Bun.spawn([process.execPath, 'test', ...report, ...files.map((file) => `./${file}`)], {
    cwd: repoDir,
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
    env: { ...process.env, ...servers },
  })
  hold(child.pid, 'SIGTERM')
  await showOutput(child, (block) => console.log(block))
  const exitCode = await child.exited
  release(child.pid)
  // A file that cannot be loaded, or a process that dies, is in no report.
  if (exitCode !== 0) console.error(`a test process ended with ${exitCode}; it ran ${files.join(' ')}`)
  return exitCode === 0
}

/** Chromium is the one program that no package registry has: without it everything else is checked, and the summary says so. */
const hasChromium = findChromium() !== null
const isOfBrowser = (file: string): boolean => /^tests[\\/]browser[\\/]/.test(file)

const runTests = async (): Promise<boolean> => {
  const all = [...new Glob('tests/**/*.test.ts').scanSync(repoDir)]
  const files = hasChromium ? all : all.filter((file) => !isOfBrowser(file))
  const groups = groupsOf(files)
  const lanes = lanesOf()
  console.log(`${files.length} files, in ${groups.length} processes, ${lanes} at a time`)
  return runInLanes(groups, { lanes, run: (group, at) => (stopping ? Promise.resolve(false) : runGroup(group, at)) })
}

/** Each step answers whether it passed. Its name says where a check failed. */
const steps: Record<string, () => Promise<boolean>> = {
  'type-check': () => tool('tsc', '--noEmit'),
  'type-check of the page': () => tool('tsc', '--noEmit', '-p', 'src/blotter'),
  lint: () => tool('oxlint', '--type-aware', 'src', 'tests'),
  format: () => tool('oxfmt', '--check', 'src', 'tests'),
  'dead code': () => tool('knip'),
  licenses: () => run([process.execPath, inRepo('src', 'build', 'licenses.ts')]),
  'dependency audit': () => run([process.execPath, inRepo('src', 'build', 'audit.ts')]),
  'build dist/orders': async () => (await buildBinary({ outfile: inRepo('dist', 'orders') })) !== '',
  'build the binary with crash points': async () => (await crashingBinary()) !== '',
  'Postgres and Kafka': startServers,
  tests: runTests,
}

const servers: Record<string, string> = {}

/** What the junit reports say, of all test processes together; nothing if none ran. */
const readReports = async (): Promise<{ found: TestCounts; failed: FailedTest[] }> => {
  const files = [...new Glob('*.xml').scanSync({ cwd: reportsDir, absolute: true })]
  const reports = await Promise.all(files.map((file) => Bun.file(file).text()))
  const report = reports.join('\n')
  return { found: countTests(report), failed: failedTests(report) }
}

/** A run that failed, or ran nothing, never closes with a line that reads like success. */
const close = async (exitCode: number): Promise<never> => {
  await endAllHeld()
  const { found, failed } = await readReports()
  rmSync(workDir, { recursive: true, force: true })
  const nothingRan = found.passed + found.failed === 0
  if (exitCode === 0 && nothingRan) console.error('no test ran')
  if (failedStep !== '') console.error(`\nthe step that failed: ${failedStep}`)
  for (const { name, why } of failed) console.error(`\nfailed: ${name}\n${shorten(why)}`)
  if (!hasChromium) console.log(`\nnot run: tests/browser. There is ${noChromium}`)
  const red = exitCode !== 0 || nothingRan
  console.log(`\n${summarise(red && found.failed === 0 ? { ...found, failed: 1 } : found)}`)
  process.exit(red ? 1 : 0)
}

onStopSignals({
  first: () => {
    stopping = true
    console.error('\nstopping')
    void close(130)
  },
  again: () => void killAllHeld().then(() => process.exit(130)),
})
const exitCode = await check().catch((error: unknown) => {
  console.error(error instanceof StackError ? error.message : error)
  return 1
})
if (!stopping) await close(exitCode)
