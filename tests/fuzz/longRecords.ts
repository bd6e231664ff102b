// The long form of the fuzzer of records: two replicas, a broker of its own that is restarted, and a topic with holes
// from compaction before they read the first record.

import { join } from 'node:path'
import { startKafka } from '../stack/kafka.ts'
import { freePort } from '../stack/ports.ts'
import { temporaryDir } from '../support/servers.ts'
import { createWorld } from '../support/world.ts'
import { fuzzRecords, type OwnBroker, type RecordOptions, type RecordReport } from './recordFuzz.ts'

const partitions = 6
const replicas = 2
const roundsMin = 3
/** Longer than a consumer waits before it takes silence for a stall. */
const quietMs = 30_000
const drainMs = 120_000
/** So that compaction does not keep a run waiting. */
const settings = { 'log.cleaner.backoff.ms': '200' }

const sayAll = ({ records, good, rounds, restarts, refused, dispositions }: RecordReport): string[] => [
  `${records} records, ${good} of them good trades, in ${rounds} rounds; ${restarts} restarts`,
  `their legs: ${Object.entries(dispositions)
    .map(([name, count]) => `${name} ${count}`)
    .join(', ')}`,
  ...Object.entries(refused).map(([kind, why]) => `refused by the broker: ${kind}, ${why}`),
]

type LongOptions = Pick<RecordOptions, 'seed' | 'only' | 'say'> & { minutes: number }

export const fuzzRecordsForLong = async ({ minutes, ...options }: LongOptions): Promise<RecordReport> => {
  const kafka = await startKafka({ dataDir: temporaryDir('fuzz-kafka'), port: await freePort(), settings })
  const world = await createWorld({ kafkaAt: kafka.bootstrap, partitions })
  // Now in order, now at once.
  let restarts = 0
  const broker: OwnBroker = {
    logsDir: join(kafka.dataDir, 'logs'),
    async restart() {
      if (restarts++ % 2 === 1) await kafka.kill()
      await kafka.restart()
    },
    stop: () => kafka.stop(),
    start: () => kafka.restart(),
  }
  const rounds = { atLeast: roundsMin, minutes }
  const report = await fuzzRecords(world, { ...options, rounds, replicas, quietMs, broker, compacted: true, drainMs })
  await world[Symbol.asyncDispose]()
  await kafka.stop()
  for (const line of sayAll(report)) console.log(line)
  return report
}
