// The reference matching engine: a small, plain Kafka client that turns orders into trades, for the dev stack, the
// end-to-end tests and the benchmarks. It imports nothing of the service, so it can also be the oracle of what the
// service should have seen. `bun tests/engine/main.ts` reads KAFKA_BOOTSTRAP_SERVERS, KAFKA_TOPIC_ORDER_PLACED,
// KAFKA_TOPIC_ORDER_CANCELLED, KAFKA_TOPIC_TRADE_EXECUTED, ENGINE_GROUP and ENGINE_SUMMARY_SECONDS. JSON lines on
// stdout; SIGTERM and SIGINT end it with 0.

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

await runEngine(readConfig(process.env), log, stop.signal)
log('stopped')
process.exit(0)
