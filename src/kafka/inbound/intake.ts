// The queue between the feed and the lanes, bounded in messages and in bytes: a full intake pauses the feed.

import { createBell, type Bell } from '../../app/sleep.ts'
import type { RawMessage } from '../client.ts'

/** The messages of some partitions, in order. `underWay`: the batch that was taken last, whose legs may have no dispositions yet. */
export type Lane = { queue: RawMessage[]; underWay: readonly RawMessage[]; bell: Bell }

/** The first message of a partition without a disposition. */
type Oldest = Pick<RawMessage, 'partition' | 'offset' | 'timestamp'>

export type IntakeLimits = {
  /** How many batches are handled at a time; the partitions are divided among the lanes. */
  lanes: number
  /** How many messages and bytes may wait in memory. */
  messagesMax: number
  bytesMax: number
}

/** The part of a feed that an intake needs. */
export type Tap = { pause: () => unknown; resume: () => unknown; isPaused: () => boolean }

export type Intake = {
  lanes: readonly Lane[]
  put: (message: RawMessage) => void
  /**
   * Takes up to `max` messages of a lane without waiting; returns an empty list if the lane is empty. Call it again only once every
   * leg of the previous batch has its disposition (its letters may still be on their way).
   */
  take: (lane: Lane, max: number) => RawMessage[]
  /** The oldest message of each partition; a partition without such a message is left out. */
  oldest: () => ReadonlyMap<number, Oldest>
  queued: () => number
  /** Whether messages of this partition wait. */
  holds: (partition: number) => boolean
  /** Drops the waiting messages of one partition, or of all. They will come again. */
  drop: (partition?: number) => void
}

/** A header can be as large as a value. */
const sizeOf = ({ key, value, headers }: RawMessage): number => {
  let size = (value?.length ?? 0) + (key?.length ?? 0)
  for (const [name, text] of headers) size += (name?.length ?? 0) + (text?.length ?? 0)
  return size
}

/** The bytes of the keys, values and headers. */
export const bytesOf = (messages: readonly RawMessage[]): number =>
  messages.reduce((sum, message) => sum + sizeOf(message), 0)

export const createIntake = (tap: Tap, limits: IntakeLimits): Intake => {
  const lanes: Lane[] = Array.from({ length: limits.lanes }, () => ({
    queue: [],
    underWay: [],
    bell: createBell(),
  }))
  const laneOf = (partition: number): Lane => lanes[partition % lanes.length]!
  let messages = 0
  let bytes = 0

  const resumeWhenHalfEmpty = (): void => {
    if (tap.isPaused() && messages < limits.messagesMax / 2 && bytes < limits.bytesMax / 2) tap.resume()
  }

  return {
    lanes,
    put(message) {
      const lane = laneOf(message.partition)
      lane.queue.push(message)
      lane.bell.ring()
      messages++
      bytes += sizeOf(message)
      if (messages >= limits.messagesMax || bytes >= limits.bytesMax) tap.pause()
    },
    take(lane, max) {
      const batch = lane.queue.splice(0, max)
      messages -= batch.length
      for (const message of batch) bytes -= sizeOf(message)
      lane.underWay = batch
      // Only when half empty, so that the feed does not stop and start for every batch.
      resumeWhenHalfEmpty()
      return batch
    },
    oldest() {
      // Found by a walk over all messages when somebody asks, which is seldom, so that no message pays for it.
      const first = new Map<number, Oldest>()
      for (const { underWay, queue } of lanes)
        for (const messages of [underWay, queue])
          for (const message of messages) if (!first.has(message.partition)) first.set(message.partition, message)
      return first
    },
    queued: () => messages,
    holds: (partition) => laneOf(partition).queue.some((message) => message.partition === partition),
    drop(partition) {
      for (const lane of lanes) {
        const before = lane.queue
        lane.queue = before.filter((message) => partition !== undefined && message.partition !== partition)
        messages += lane.queue.length - before.length
        bytes += bytesOf(lane.queue) - bytesOf(before)
      }
      resumeWhenHalfEmpty()
    },
  }
}
