// Messages between the feed and the lanes, bounded in number and in bytes: a full intake pauses the feed.

import { createBell, type Bell } from '../../app/sleep.ts'
import type { RawMessage } from '../client.ts'

/** The messages of some partitions, in order. `underWay`: taken and not disposed of yet. */
export type Lane = { queue: RawMessage[]; underWay: readonly RawMessage[]; bell: Bell }

/** Of what is not disposed of yet, the first message of a partition. */
type Oldest = Pick<RawMessage, 'partition' | 'offset' | 'timestamp'>

export type IntakeLimits = {
  /** Batches at a time; the partitions are dealt out among them. */
  lanes: number
  /** Messages and bytes that may wait in memory. */
  messagesMax: number
  bytesMax: number
}

/** What an intake needs of a feed. */
export type Tap = { pause: () => unknown; resume: () => unknown; isPaused: () => boolean }

export type Intake = {
  lanes: readonly Lane[]
  put: (message: RawMessage) => void
  /**
   * Up to `max` messages of a lane, without waiting; none if it is empty. Call it again only once every leg of the previous batch
   * has its disposition (its letters may still be on their way).
   */
  take: (lane: Lane, max: number) => RawMessage[]
  /** By partition; a partition without such a message is left out. */
  oldest: () => ReadonlyMap<number, Oldest>
  queued: () => number
  /** Whether messages of this partition wait. */
  holds: (partition: number) => boolean
  /** Forgets the messages that wait, of one partition or of all: they will come again. */
  drop: (partition?: number) => void
}

const sizeOf = (message: RawMessage): number => (message.value?.length ?? 0) + (message.key?.length ?? 0)

/** Of keys and values. */
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
      // Half empty, so that the feed does not stop and start for every batch.
      resumeWhenHalfEmpty()
      return batch
    },
    oldest() {
      // Walked over when somebody asks, which is seldom, so that no message pays for it.
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
        const [dropped, kept] = [
          lane.queue,
          lane.queue.filter((m) => partition !== undefined && m.partition !== partition),
        ]
        lane.queue = kept
        messages += kept.length - dropped.length
        bytes += bytesOf(kept) - bytesOf(dropped)
      }
      resumeWhenHalfEmpty()
    },
  }
}
