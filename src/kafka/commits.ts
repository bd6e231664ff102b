// The offsets of what is done with, on their way to the group's coordinator.

import { describe, type Log } from '../log.ts'
import type { RawConsumer, RawMessage } from './client.ts'

/** `put`: these messages are done with; their offsets go with the next request. `settled`: until none is on its way. */
export type Commits = { put: (batch: readonly RawMessage[]) => void; settled: () => Promise<void> }

/** Of the messages of a partition that are done with, how many there are and the last. */
type Done = { last: RawMessage; messages: number }

/**
 * Commits, for each partition, the offset after its last message that is done with. One request at a time whatever the lanes do:
 * overlapping commits were seen to throw a group into rejoining without end. A coordinator takes some 10 ms to answer, so no
 * lane waits for it, and what is done with meanwhile goes with the next request.
 */
export const createCommits = (
  consumer: RawConsumer,
  { onCommitted, log }: { onCommitted: (messages: number) => void; log: Log },
): Commits => {
  let done = new Map<number, Done>()
  let underWay: Promise<void> | null = null
  // Messages of a partition may still wait here when it has gone to another member, who may be past them: the broker would take
  // our lower offset in place of the other's.
  const isOurs = ({ topic, partition }: RawMessage): boolean =>
    consumer.assignments?.some((assigned) => assigned.topic === topic && assigned.partitions.includes(partition)) ===
    true

  const commit = async (ends: readonly Done[]): Promise<void> => {
    if (ends.length === 0) return
    const offsets = ends.map(({ last: { topic, partition, offset, leaderEpoch } }) => ({
      topic,
      partition,
      offset: offset + 1n,
      leaderEpoch: leaderEpoch ?? -1,
    }))
    try {
      await consumer.commit({ offsets })
      for (const { messages } of ends) onCommitted(messages)
    } catch (error) {
      log.rarely(
        'warn',
        'offset commit',
        'offsets could not be committed; the messages will come again',
        describe(error),
      )
    }
  }

  const commitAll = async (): Promise<void> => {
    while (done.size > 0) {
      const ends = [...done.values()]
      done = new Map()
      await commit(ends.filter(({ last }) => isOurs(last)))
    }
    underWay = null
  }
  return {
    put(batch) {
      for (const message of batch) {
        const { messages } = done.get(message.partition) ?? { messages: 0 }
        done.set(message.partition, { last: message, messages: messages + 1 })
      }
      underWay ??= commitAll()
    },
    settled: async () => void (await underWay),
  }
}
