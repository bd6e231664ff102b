// `bun run fuzz` throws generated requests, messages and records at the compiled binary on servers of its own, prints each
// finding with the seed and the smallest input, and removes everything that it started. The same seed makes the same cases.

import { parseArgs } from 'node:util'
import { endAllHeld, killAllHeld } from '../stack/guard.ts'
import { onStopSignals } from '../stack/signals.ts'
import { StackError } from '../stack/stackError.ts'
import { stopServers } from '../support/servers.ts'
import { createWorld } from '../support/world.ts'
import { fuzz } from './fuzz.ts'
import { fuzzRecordsForLong } from './longRecords.ts'
import { kinds } from './records/kinds.ts'
import { damageNames } from './records/surgery.ts'
import { printViolation, type Violation } from './violation.ts'

const kindNames = [...Object.keys(kinds), ...damageNames]

const help = `bun run fuzz [--requests 100000] [--messages 100000] [--minutes 3] [--only KIND,KIND] [--seed S]

Generated hostile HTTP requests and Kafka messages against dist/orders, with a Postgres and a Kafka of its own (or
those of DATABASE_URL and KAFKA_BOOTSTRAP_SERVERS). Then for so many minutes records as Kafka's format allows them, of
every kind or of those named, by two replicas that are killed, on a broker of their own that is restarted. An oracle
that shares no code with the service judges every answer, and at the end everything that is stored.
Each of the three is left out with 0; --only leaves out requests and messages. The kinds of records:
${kindNames.join(' ')}
Exit code 1 when anything is wrong; last line: N requests, N messages, N records, N violations.`

const sayEveryMs = 5_000

const countOf = (name: string, text: string): number => {
  const count = Number(text)
  if (Number.isSafeInteger(count) && count >= 0) return count
  throw new StackError('USAGE', `--${name} must be a whole number, not "${text}"`)
}

const kindsOf = (text: string | undefined): { only?: readonly string[] } => {
  if (text === undefined) return {}
  const only = text.split(',')
  const unknown = only.filter((name) => !kindNames.includes(name))
  if (unknown.length === 0) return { only }
  throw new StackError('USAGE', `--only: there is no kind ${unknown.join(', ')}; --help lists them`)
}

/** Progress now and then, whatever stands out at once. */
const createTalk = (): ((line: string) => void) => {
  let lastAt = 0
  return (line) => {
    const progress = /^\d/.test(line)
    if (progress && performance.now() - lastAt < sayEveryMs) return
    lastAt = performance.now()
    console.log(line)
  }
}

const readOptions = () => {
  const { values } = parseArgs({
    options: {
      help: { type: 'boolean' },
      requests: { type: 'string' },
      messages: { type: 'string' },
      minutes: { type: 'string', default: '3' },
      only: { type: 'string' },
      seed: { type: 'string', default: crypto.randomUUID().slice(0, 8) },
    },
  })
  const many = values.only === undefined ? '100000' : '0'
  return {
    help: values.help === true,
    seed: values.seed,
    requests: countOf('requests', values.requests ?? many),
    messages: countOf('messages', values.messages ?? many),
    minutes: countOf('minutes', values.minutes),
    kinds: kindsOf(values.only),
  }
}

const main = async (): Promise<number> => {
  const { help: isHelp, seed, requests, messages, minutes, kinds } = readOptions()
  if (isHelp) {
    console.log(help)
    return 0
  }
  console.log(`seed ${seed}`)
  const say = createTalk()
  const violations: Violation[] = []
  if (requests + messages > 0) {
    await using world = await createWorld({ env: { ENGINE_FEATURES: 'reports,display,post-only' } })
    violations.push(...(await fuzz(world, { seed, requests, messages, say })).violations)
  }
  let records = 0
  if (minutes > 0) {
    const report = await fuzzRecordsForLong({ seed, minutes, say, ...kinds })
    violations.push(...report.violations)
    records = report.records
  }
  for (const violation of violations) console.log(printViolation(violation))
  console.log(`${requests} requests, ${messages} messages, ${records} records, ${violations.length} violations`)
  return violations.length === 0 ? 0 : 1
}

onStopSignals({
  first: () => void endAllHeld().then(() => process.exit(130)),
  again: () => void killAllHeld().then(() => process.exit(130)),
})
const exitCode = await main().catch((error: unknown) => {
  console.error(error instanceof StackError ? error.message : error)
  return 1
})
await stopServers()
process.exit(exitCode)
