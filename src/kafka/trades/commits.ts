// The offsets of what is done with, on their way to the group's coordinator.

import { describe, type Log } from '../../telemetry/log.ts'
import type { RawMessage } from '../client.ts'
import { partitionsOf, type Member } from '../places.ts'

export type Commits = {
  /** These messages of a partition are done with; their offset goes with the next request. */
  put: (messages: readonly RawMessage[]) => void
  /** Everything of a partition before this offset is done with or does not count. */
  pass: (partition: number, offset: bigint) => void
  /** The partitions were dealt out anew: what waits to be committed will come again. */
  forget: () => void
  /** Resolves when no commit is on its way. */
  settled: () => Promise<void>
}

/** The messages of a partition that are done with: how many there are, and the offset after the last. */
type Done = { partition: number; offset: bigint; leaderEpoch: number; messages: number }

const unknownEpoch = -1

/**
 * Commits, for each partition, the offset after its last message that is done with. One request at a time whatever the lanes do:
 * overlapping commits were seen to throw a group into rejoining without end. A coordinator takes some 10 ms to answer, so no
 * lane waits for it, and what is done with meanwhile goes with the next request.
 */
export const createCommits = (
  consumer: Pick<Member, 'assignments' | 'commit'>,
  { topic, onCommitted, log }: { topic: string; onCommitted: (messages: number) => void; log: Log },
): Commits => {
  let done = new Map<number, Done>()
  let underWay: Promise<void> | null = null
  // A partition may have gone to another member while its offset waits here. The other may be further: the broker would replace
  // its offset by our lower one.
  const isOurs = ({ partition }: Done): boolean => partitionsOf(consumer, topic).includes(partition)

  const commit = async (ends: readonly Done[]): Promise<void> => {
    if (ends.length === 0) return
    const offsets = ends.map(({ partition, offset, leaderEpoch }) => ({ topic, partition, offset, leaderEpoch }))
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
      await commit(ends.filter(isOurs))
    }
    underWay = null
  }
  const start = (): void => void (underWay ??= commitAll())

  return {
    put(messages) {
      for (const { partition, offset, leaderEpoch, unreadable } of messages) {
        const before = done.get(partition)?.messages ?? 0
        const next = (unreadable?.last ?? offset) + 1n
        done.set(partition, { partition, offset: next, leaderEpoch, messages: before + 1 })
      }
      start()
    },
    pass(partition, offset) {
      if (!done.has(partition)) done.set(partition, { partition, offset, leaderEpoch: unknownEpoch, messages: 0 })
      start()
    },
    forget: () => done.clear(),
    settled: async () => void (await underWay),
  }
}
