// The limit of the outbox: Kafka's own producer with all acknowledgements, records of the same size, no database.

import { findJava, kafkaToolsClassPath } from '../../stack/kafkaJars.ts'
import { runCommand } from './command.ts'

export type ProducerPerf = {
  records: number
  perSecond: number
  p50Ms: number
  p99Ms: number
  p999Ms: number
  cpuSeconds: number
}

const lastLine =
  /^(\d+) records sent, ([\d.]+) records\/sec .* (\d+) ms 50th, \d+ ms 95th, (\d+) ms 99th, (\d+) ms 99.9th\.$/m

/** The line of the whole run; those before it, of a few seconds each, have no percentiles. */
export const parseProducerPerf = (output: string): Omit<ProducerPerf, 'cpuSeconds'> => {
  const found = lastLine.exec(output)
  if (found === null) throw new Error(`the producer perf tool did not end as expected:\n${output}`)
  const [records, perSecond, p50Ms, p99Ms, p999Ms] = found.slice(1).map(Number)
  return { records: records!, perSecond: perSecond!, p50Ms: p50Ms!, p99Ms: p99Ms!, p999Ms: p999Ms! }
}

export const runProducerPerf = async (plan: {
  bootstrap: string
  topic: string
  records: number
  recordBytes: number
  /** The producer's `batch.size`; its own default where it is absent. */
  batchBytes?: number
}): Promise<ProducerPerf> => {
  const tool = [
    findJava(),
    '-Xmx256m',
    '-cp',
    await kafkaToolsClassPath(),
    'org.apache.kafka.tools.ProducerPerformance',
  ]
  const load = ['--num-records', `${plan.records}`, '--record-size', `${plan.recordBytes}`, '--throughput', '-1']
  const batch = plan.batchBytes === undefined ? [] : [`batch.size=${plan.batchBytes}`]
  const properties = ['--producer-props', 'acks=all', `bootstrap.servers=${plan.bootstrap}`, ...batch]
  const { output, cpuSeconds } = await runCommand([...tool, '--topic', plan.topic, ...load, ...properties])
  return { ...parseProducerPerf(output), cpuSeconds }
}
