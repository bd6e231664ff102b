// Observes batches of trades and dead letters without changing how they are handled.

import type { DeadLetter, DeadLetters } from './deadLetters.ts'
import type { HandleBatch } from './handle.ts'

export type BatchObserver = {
  /** Called for every batch whose legs have their dispositions. */
  onBatch: (batch: { items: number; tookMs: number }) => void
  /** Called with the age of each message, by its timestamp, once its legs have their dispositions. */
  onApplied: (ageMs: number) => void
}

/**
 * How long ago a record was written, in ms, by its timestamp. The clock of the publisher or broker may be ahead of ours. Null: -1, which
 * means that there is no timestamp.
 */
export const ageOf = (timestamp: bigint, at: Date): number | null =>
  timestamp > 0n ? Math.max(0, at.getTime() - Number(timestamp)) : null

export const observeBatches =
  (handleBatch: HandleBatch, { onBatch, onApplied, now }: BatchObserver & { now: () => Date }): HandleBatch =>
  async (messages, signal, hold) => {
    const startedAt = performance.now()
    const letters = await handleBatch(messages, signal, hold)
    onBatch({ items: messages.length, tookMs: performance.now() - startedAt })
    const at = now()
    for (const { timestamp } of messages) {
      const ageMs = ageOf(timestamp, at)
      if (ageMs !== null) onApplied(ageMs)
    }
    return letters
  }

/** `onSent` is called for every letter that was acknowledged. */
export const observeLetters = (deadLetters: DeadLetters, onSent: (letter: DeadLetter) => void): DeadLetters => ({
  ...deadLetters,
  async send(letters, signal) {
    await deadLetters.send(letters, signal)
    for (const letter of letters) onSent(letter)
  },
})
