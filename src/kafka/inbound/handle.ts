// What a topic's own code does with a batch of its messages, and how one message's fault is kept from its neighbours.

import type { Source } from '../../store/fills.ts'
import { describe, type Log } from '../../telemetry/log.ts'
import { coordinatesText } from '../../wire/coordinates.ts'
import type { RawMessage } from '../client.ts'
import { malformed, sizeFault, type Malformed } from '../decoding.ts'
import { letterParts } from '../letterHeaders.ts'
import type { DeadLetter } from './deadLetters.ts'

/** The dead letters of a batch, by the partition of their messages. The offset of a partition must not move before its letters are written. */
type BatchLetters = ReadonlyMap<number, readonly DeadLetter[]>

/**
 * Called for a partition of the batch of which a part has no disposition yet: its offset must not move before this promise has resolved, and
 * these letters are written. It rejects when the signal is aborted.
 */
export type Hold = (partition: number, later: Promise<readonly DeadLetter[]>) => void

/**
 * Resolves when every part of `messages` has its disposition in the database, or is held; throws if `signal` is aborted first. A message that
 * cannot be handled, whatever is wrong with it, becomes a dead letter and does not affect the others. Without `hold` nothing is held.
 */
export type HandleBatch = (messages: readonly RawMessage[], signal: AbortSignal, hold?: Hold) => Promise<BatchLetters>

/** The messages of a batch by their coordinates as a text. */
export type Messages = ReadonlyMap<string, RawMessage>

export const sourceOf = ({ topic, partition, offset }: RawMessage): Source => ({ topic, partition, offset })

/** Why a message is not decoded at all; null: it is. */
export const undecodable = (message: RawMessage): Malformed | null =>
  message.unreadable === null ? sizeFault(message) : malformed(message.unreadable.reason)

export const letterOf = (
  message: RawMessage,
  rest: Pick<DeadLetter, 'disposition' | 'reason' | 'legs'>,
): DeadLetter => ({
  source: sourceOf(message),
  timestamp: message.timestamp,
  key: message.key,
  value: message.value,
  headers: message.headers,
  // A message that stands for an unreadable batch has none of its parts.
  leftOut: message.unreadable === null ? [] : letterParts,
  ...rest,
})

/** The letter of a message with a fault that no part of the code expects: it has the text of the error. */
const unexpectedFault = (message: RawMessage, error: unknown): DeadLetter =>
  letterOf(message, { disposition: 'MALFORMED', reason: `could not be handled: ${describe(error).error}`, legs: [] })

export type HandlerOptions = {
  /** Handles a batch as a whole; returns its dead letters. */
  handle: (messages: Messages, signal: AbortSignal, hold?: Hold) => Promise<DeadLetter[]>
  /** Called for a message with a fault that no part of the code expects. */
  onUnexpected: () => void
  log: Log
}

/** Halves a batch that fails as a whole until the message at fault is alone. What was stored before is a duplicate then. */
const handleOrSplit = async (
  messages: readonly (readonly [string, RawMessage])[],
  options: HandlerOptions,
  signal: AbortSignal,
  hold?: Hold,
): Promise<DeadLetter[]> => {
  try {
    return await options.handle(new Map(messages), signal, hold)
  } catch (error) {
    if (signal.aborted) throw error
    if (messages.length > 1) {
      const half = messages.length >> 1
      return [
        ...(await handleOrSplit(messages.slice(0, half), options, signal, hold)),
        ...(await handleOrSplit(messages.slice(half), options, signal, hold)),
      ]
    }
    const [[source, message]] = messages as readonly [readonly [string, RawMessage]]
    options.onUnexpected()
    options.log.error('a message could not be handled', { source, ...describe(error) })
    return [unexpectedFault(message, error)]
  }
}

export const createHandler =
  (options: HandlerOptions): HandleBatch =>
  async (messages, signal, hold) => {
    // After a rebalance one batch may hold a message twice. If both were handled, its dead letter would name every leg twice.
    const byPlace = new Map(messages.map((message) => [coordinatesText(sourceOf(message)), message]))
    const letters = await handleOrSplit([...byPlace], options, signal, hold)
    return Map.groupBy(letters, ({ source }) => source.partition)
  }
