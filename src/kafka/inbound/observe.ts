// Observes batches of trades and dead letters without changing how they are handled.

import type { DeadLetter, DeadLetters } from './deadLetters.ts'
import type { HandleBatch } from './handle.ts'

export type BatchObserver = {
  /** Called for every batch whose legs have their dispositions. */
  onBatch: (batch: { items: number; tookMs: number }) => void
  /** Called with the age of each message, by its timestamp, once its legs have their dispositions. */
  onApplied: (ageMs: number) => void
}

export const observeBatches =
  (handleBatch: HandleBatch, { onBatch, onApplied, now }: BatchObserver & { now: () => Date }): HandleBatch =>
  async (messages, signal) => {
    const startedAt = performance.now()
    const letters = await handleBatch(messages, signal)
    onBatch({ items: messages.length, tookMs: performance.now() - startedAt })
    const at = now().getTime()
    // The clock of the publisher or broker may be ahead of ours; a timestamp of -1 means that there is none.
    for (const { timestamp } of messages) if (timestamp > 0n) onApplied(Math.max(0, at - Number(timestamp)))
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
