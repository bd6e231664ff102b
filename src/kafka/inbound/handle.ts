// What a topic's own code does with a batch of its messages.

import type { RawMessage } from '../client.ts'
import type { DeadLetter } from './deadLetters.ts'

/** The dead letters of a batch, by the partition of their messages. The offset of a partition must not move before its letters are written. */
type BatchLetters = ReadonlyMap<number, readonly DeadLetter[]>

/**
 * Resolves when every part of `messages` has its disposition in the database; throws if `signal` is aborted first. A message that
 * cannot be handled, whatever is wrong with it, becomes a dead letter and does not affect the others.
 */
export type HandleBatch = (messages: readonly RawMessage[], signal: AbortSignal) => Promise<BatchLetters>
