// Promises: `bun run fuzz` throws generated requests and messages at the compiled binary on servers of its own, prints
// what it finds with the seed and the smallest input, and everything it started is gone afterwards. The same seed makes
// the same cases.

import { parseArgs } from 'node:util'
import { endAllHeld, killAllHeld } from '../stack/guard.ts'
import { onStopSignals } from '../stack/signals.ts'
import { StackError } from '../stack/stackError.ts'
import { stopServers } from '../support/servers.ts'
import { createWorld } from '../support/world.ts'
import { fuzz } from './fuzz.ts'
import { printViolation } from './violation.ts'

const help = `bun run fuzz [--requests 100000] [--messages 100000] [--seed S]

Generated hostile HTTP requests and Kafka messages against dist/orders, with a Postgres and a Kafka of its own (or
those of DATABASE_URL and KAFKA_BOOTSTRAP_SERVERS). An oracle that shares no code with the service judges every answer,
and at the end everything that is stored.
Exit code 1 when anything is wrong; last line: N requests, N messages, N violations.`

const sayEveryMs = 5_000

const countOf = (name: string, text: string): number => {
  const count = Number(text)
  if (Number.isSafeInteger(count) && count >= 0) return count
  throw new StackError('USAGE', `--${name} must be a whole number, not "${text}"`)
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

const main = async (): Promise<number> => {
  const { values } = parseArgs({
    options: {
      help: { type: 'boolean' },
      requests: { type: 'string', default: '100000' },
      messages: { type: 'string', default: '100000' },
      seed: { type: 'string', default: crypto.randomUUID().slice(0, 8) },
    },
  })
  if (values.help) {
    console.log(help)
    return 0
  }
  const { seed } = values
  const requests = countOf('requests', values.requests)
  const messages = countOf('messages', values.messages)
  console.log(`seed ${seed}`)
  const world = await createWorld()
  const report = await fuzz(world, { seed, requests, messages, say: createTalk() })
  await world[Symbol.asyncDispose]()
  for (const violation of report.violations) console.log(printViolation(violation))
  console.log(`${report.requests} requests, ${report.messages} messages, ${report.violations.length} violations`)
  return report.violations.length === 0 ? 0 : 1
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
