// `bun run matrix`: the tests on every PostgreSQL and Kafka that the handbook names; see options.ts for what it takes. Everything that
// it started is gone afterwards, also after Ctrl-C.

import { Glob } from 'bun'
import { buildBinary } from '../../src/build/build.ts'
import { runCommand } from '../../src/build/command.ts'
import { inRepo, repoDir } from '../../src/build/repository.ts'
import { release } from '../../src/version.ts'
import { endAllHeld, killAllHeld } from '../stack/guard.ts'
import { summarise } from '../stack/junit.ts'
import { onStopSignals } from '../stack/signals.ts'
import { StackError } from '../stack/stackError.ts'
import { help, readOptions, type Options } from './options.ts'
import { runCombination, type Outcome } from './run.ts'
import { resultLines, total, withResults } from './table.ts'

const page = inRepo('src', 'handbook', 'operating.md')
const results: Outcome[] = []
let stopping = false

/** The test files of a folder, in order of name. Throws for a folder without any. */
const filesOf = (folder: string): string[] => {
  const found = [...new Glob(`tests/${folder}/**/*.test.ts`).scanSync(repoDir)].map((path) =>
    path.replaceAll('\\', '/'),
  )
  if (found.length === 0) throw new StackError('USAGE', `there is no test in tests/${folder}\n\n${help}`)
  return found.toSorted()
}

const runAll = async ({ combinations, folders }: Options): Promise<void> => {
  const files = folders.flatMap(filesOf)
  await buildBinary({ outfile: inRepo('dist', 'orders') })
  for (const [at, of] of combinations.entries()) {
    const which = `PostgreSQL ${of.postgres}, Kafka ${of.kafka}`
    console.log(`\n== ${at + 1} of ${combinations.length}: ${which}: ${folders.join(', ')} (${files.length} files)`)
    const outcome = await runCombination(of, files, console.log)
    if (stopping) return
    results.push(outcome)
    console.log(
      `== ${which}: ${summarise(outcome.counts)} (${outcome.seconds.toFixed(0)} s); all of it: ${outcome.log}`,
    )
  }
}

const publish = async (): Promise<void> => {
  const file = Bun.file(page)
  await file.write(
    withResults(await file.text(), results, { version: release, on: new Date().toISOString().slice(0, 10) }),
  )
  console.log(`written into ${page}`)
}

/** The table of what was run, and the line that says it all. */
const conclude = (): void => {
  for (const { postgres, kafka, names } of results)
    for (const name of names) console.error(`failed on PostgreSQL ${postgres}, Kafka ${kafka}: ${name}`)
  console.log(`\n${resultLines(results).join('\n')}\n`)
}

const main = async (): Promise<number> => {
  const options = readOptions(process.argv.slice(2))
  if (options === 'help') {
    console.log(help)
    return 0
  }
  await runAll(options)
  // The one who asked to stop writes the end.
  if (stopping) return new Promise(() => {})
  conclude()
  if (options.publish) await publish()
  console.log(summarise(total(results)))
  return total(results).failed === 0 ? 0 : 1
}

/** A run that was broken off never closes with a line that reads like success. */
const stop = async (): Promise<void> => {
  stopping = true
  console.error('\nstopping')
  await endAllHeld()
  conclude()
  const { passed, failed, skipped } = total(results)
  console.log(summarise({ passed, failed: failed + 1, skipped }))
  process.exit(130)
}

onStopSignals({ first: () => void stop(), again: () => void killAllHeld().then(() => process.exit(130)) })
await runCommand(async () => {
  try {
    return await main()
  } finally {
    await endAllHeld()
  }
})
