// Keeps in the database how far the partitions of this replica were handled: every few seconds, if one moved, and once at the end. No message
// waits for it.

import { sleep } from '../../app/sleep.ts'
import type { KeptPlace } from '../../store/topicPlaces.ts'
import { describe, type Log } from '../../telemetry/log.ts'
import { keepEveryMs, type GroupReader, type KeptPlaces } from '../places.ts'

export type KeeperOptions = {
  topic: string
  lastRead: Readonly<GroupReader['lastRead']>
  /** The partitions of this replica. */
  partitions: () => Iterable<number>
  /** The offset before which everything on a partition of this replica has its disposition; null: unknown. */
  handledTo: (partition: number) => bigint | null
  kept: Pick<KeptPlaces, 'keep'>
  log: Log
}

export type Keeper = {
  /** Keeps them until `signal` is aborted. */
  run: (signal: AbortSignal) => Promise<void>
  /** Keeps them once more, when nothing is being handled any longer. */
  last: () => Promise<void>
}

/** An end does not wait longer than this for the database. */
const lastMaxMs = 2_000

export const createKeeper = ({ topic, lastRead, partitions, handledTo, kept, log }: KeeperOptions): Keeper => {
  /** What the database has, by partition. */
  const before = new Map<number, KeptPlace>()

  const moved = (): KeptPlace[] => {
    const { topicId } = lastRead
    if (topicId === null) return []
    return [...partitions()].flatMap((partition) => {
      const next = handledTo(partition)
      // Below 0 it is a place that nobody could say.
      if (next === null || next < 0n) return []
      const last = before.get(partition)
      return last?.topicId === topicId && last.next >= next ? [] : [{ partition, topicId, next }]
    })
  }

  const keep = async (): Promise<void> => {
    const places = moved()
    if (places.length === 0) return
    try {
      await kept.keep(places)
      for (const place of places) before.set(place.partition, place)
    } catch (error) {
      const message = 'how far a topic was read cannot be kept now'
      log.rarely('warn', `keep ${topic}`, message, { topic, ...describe(error) })
    }
  }

  return {
    async run(signal) {
      while (!signal.aborted) {
        await keep()
        await sleep(keepEveryMs, signal)
      }
    },
    async last() {
      const over = new AbortController()
      await Promise.race([keep(), sleep(lastMaxMs, over.signal)])
      over.abort()
    },
  }
}
