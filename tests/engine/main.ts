// The reference matching engine: a small, plain Kafka client that turns orders into trades, for the dev stack, the
// end-to-end tests and the benchmarks. It imports nothing of the service, so it can also be the oracle of what the
// service should have seen. `bun tests/engine/main.ts` reads KAFKA_BOOTSTRAP_SERVERS, KAFKA_TOPIC_ORDER_PLACED,
// KAFKA_TOPIC_ORDER_CANCELLED, KAFKA_TOPIC_TRADE_EXECUTED, KAFKA_TOPIC_ORDER_REPORT, ENGINE_GROUP,
// ENGINE_SUMMARY_SECONDS and ENGINE_FEATURES (any of reports, display, post-only; without it this is an engine of the old
// kind). JSON lines on stdout; SIGTERM and SIGINT end it with 0, a word outside the contract with 1, as the original one
// stops its partition.

import { readConfig } from './config.ts'
import { runEngine } from './run.ts'

const STOP_DEADLINE_MS = 5000

const stop = new AbortController()

const log = (event: string, fields: Record<string, unknown> = {}): void => {
  console.log(JSON.stringify({ time: new Date().toISOString(), event, ...fields }))
}

for (const name of ['SIGTERM', 'SIGINT'] as const) {
  process.on(name, () => {
    stop.abort()
    setTimeout(() => process.exit(1), STOP_DEADLINE_MS).unref()
  })
}

try {
  await runEngine(readConfig(process.env), log, stop.signal)
} catch (error) {
  log('ended by an error', { error: String(error) })
  process.exit(1)
}
log('stopped')
process.exit(0)
