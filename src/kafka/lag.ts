// How far the consumer of trades is behind, for each partition that is its own. Where it is, it knows; where the topic ends, it
// asks the brokers every few seconds, once for all partitions.

import { sleep } from '../app/sleep.ts'
import type { Intake } from './intake.ts'
import type { Watched } from './watchdog.ts'

/**
 * `messages`: from the first that is not disposed of to the end of the topic as it was known last. `oldestAt`: the timestamp of
 * the oldest that was fetched and is not disposed of, in ms since 1970; null where there is none.
 */
export type PartitionLag = { topic: string; partition: number; messages: number; oldestAt: number | null }

export type Lag = {
  /** Asks for the ends of the topic until `signal`. */
  run: (signal: AbortSignal) => Promise<void>
  now: () => PartitionLag[]
}

const askEveryMs = 5_000

export const createLag = (
  { consumer, topic, nextOffsets }: Omit<Watched, 'silentMs'>,
  intake: Pick<Intake, 'oldest'>,
): Lag => {
  let ends: readonly bigint[] = []

  const lagOf = (partition: number, next: bigint, oldest: ReturnType<Intake['oldest']>): PartitionLag => {
    const first = oldest.get(partition)
    const at = first?.offset ?? next
    const end = ends[partition] ?? next
    // What was read since the brokers were asked lies beyond the end as it was then.
    const messages = Number((end > next ? end : next) - at)
    return { topic, partition, messages, oldestAt: first === undefined ? null : Number(first.timestamp) }
  }

  return {
    async run(signal) {
      while (!signal.aborted) {
        // A broker that does not answer is the stream's own trouble; the end stays as it was known last.
        await consumer
          .listOffsets({ topics: [topic] })
          .then((offsets) => (ends = offsets.get(topic) ?? []))
          .catch(() => undefined)
        await sleep(askEveryMs, signal)
      }
    },
    now() {
      const oldest = intake.oldest()
      const partitions = consumer.assignments?.find((assigned) => assigned.topic === topic)?.partitions ?? []
      return partitions.flatMap((partition) => {
        const next = nextOffsets().get(`${topic}:${partition}`)
        return next === undefined ? [] : [lagOf(partition, next, oldest)]
      })
    },
  }
}
