// Delivers one batch of the log: all of its messages, each partition by itself, again and again until the brokers have them.

import { sleep } from '../app/sleep.ts'
import { describe, type Log } from '../telemetry/log.ts'
import type { LogMessage, LogSender } from './sender.ts'

export type DeliveryOptions = {
  sender: LogSender
  log: Log
  /** False once this replica may not publish any more, or is about to stop: then what is not sent yet stays unsent. */
  goesOn: () => boolean
  /** Why messages wait; null: none do. */
  onObstacle: (obstacle: string | null) => void
}

const pauseFirstMs = 200
const pauseLastMs = 5_000

/** Sends what belongs to each partition; answers the messages that did not get through, in their order. */
const sendOnce = async (
  { sender, onObstacle, log }: DeliveryOptions,
  messages: readonly LogMessage[],
  time: Date,
): Promise<LogMessage[]> => {
  const failed = new Set<LogMessage>()
  const fail = (some: readonly LogMessage[], error: unknown): void => {
    for (const message of some) failed.add(message)
    const fields = describe(error)
    onObstacle(fields.error)
    log.rarely('warn', 'publication', 'events of the log cannot be published; they wait, and nothing else does', fields)
  }
  try {
    const partitions = await sender.partitions()
    const parts = Map.groupBy(messages, ({ ticker }) => sender.partitionOf(ticker, partitions))
    const sends = parts.entries().map(async ([partition, some]) => {
      const { acked, error } = await sender.send(partition, some, time)
      if (acked < some.length) fail(some.slice(acked), error)
    })
    await Promise.all(sends)
  } catch (error) {
    fail(messages, error)
  }
  return messages.filter((message) => failed.has(message))
}

/**
 * True once all messages are acknowledged. What a broker refuses is sent again too, because to leave it out would be a gap: the alert
 * calls an operator. Messages of one ticker keep their order: none is sent before those that were sent earlier are acknowledged. What is
 * acknowledged is not sent again, however long the rest of its partition waits.
 */
export const deliver = async (
  options: DeliveryOptions,
  messages: readonly LogMessage[],
  { time, signal }: { time: () => Date; signal: AbortSignal },
): Promise<boolean> => {
  let waiting = messages
  for (let pauseMs = pauseFirstMs; options.goesOn(); pauseMs = Math.min(pauseLastMs, pauseMs * 2)) {
    waiting = await sendOnce(options, waiting, time())
    if (waiting.length === 0) {
      options.onObstacle(null)
      return true
    }
    await sleep(pauseMs, signal)
  }
  return false
}
