// Commits the offsets of handled messages to the group's coordinator.

import { describe, type Log } from '../../telemetry/log.ts'
import type { RawMessage } from '../client.ts'
import type { Place } from '../fetchRequest.ts'
import { partitionsOf, type Member } from '../places.ts'

export type Commits = {
  /** Call it when messages of a partition have been handled: the next request commits the offset after them. */
  put: (messages: readonly RawMessage[]) => void
  /** Commits this place of a partition; every message before it has been handled or does not count. */
  pass: (place: Place) => void
  /** Call it when the group has assigned the partitions anew: offsets that wait are dropped, and their messages will come again. */
  forget: () => void
  /** Resolves when no commit is under way. */
  whenIdle: () => Promise<void>
}

/** A message may stand for a whole batch that cannot be read. */
export const offsetAfter = ({ offset, unreadable }: RawMessage): bigint => (unreadable?.last ?? offset) + 1n

/** An offset of a partition that waits to be committed, and how many handled messages it stands for. */
type PendingOffset = { partition: number; offset: bigint; leaderEpoch: number; messages: number }

/**
 * Commits, for each partition, the offset after its last handled message. It sends one request at a time, whatever the lanes do:
 * overlapping commits were seen to make a group rejoin without end. A coordinator takes some 10 ms to answer, so no lane waits for
 * it, and the next request takes the offsets of the messages that are handled meanwhile.
 */
export const createCommits = (
  consumer: Pick<Member, 'assignments' | 'commit'>,
  { topic, onCommitted, log }: { topic: string; onCommitted: (messages: number) => void; log: Log },
): Commits => {
  let pending = new Map<number, PendingOffset>()
  let commitLoop: Promise<void> | null = null
  // A partition may have gone to another member while its offset waits here. The other member may be further on, and the broker would
  // replace its offset with our lower one.
  const isOurs = ({ partition }: PendingOffset): boolean => partitionsOf(consumer, topic).includes(partition)

  const commit = async (ends: readonly PendingOffset[]): Promise<void> => {
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
    while (pending.size > 0) {
      const ends = [...pending.values()]
      pending = new Map()
      await commit(ends.filter(isOurs))
    }
    commitLoop = null
  }
  const start = (): void => void (commitLoop ??= commitAll())

  return {
    put(messages) {
      for (const message of messages) {
        const { partition, leaderEpoch } = message
        const before = pending.get(partition)?.messages ?? 0
        pending.set(partition, { partition, offset: offsetAfter(message), leaderEpoch, messages: before + 1 })
      }
      start()
    },
    pass({ partition, next, epoch }) {
      if (!pending.has(partition)) pending.set(partition, { partition, offset: next, leaderEpoch: epoch, messages: 0 })
      start()
    },
    forget: () => pending.clear(),
    whenIdle: async () => void (await commitLoop),
  }
}
