// Tells of what becomes of trades and dead letters; what becomes of them stays the same.

import type { DeadLetter, DeadLetters } from './deadLetters.ts'
import type { Batch } from './batch.ts'

export type BatchObserver = {
  /** Told of every batch whose legs have their dispositions. */
  onBatch: (batch: { items: number; tookMs: number }) => void
  /** Told how old each message was, by its timestamp, when its legs had their dispositions. */
  onApplied: (ageMs: number) => void
}

export const tellBatches =
  (process: Batch, { onBatch, onApplied, now }: BatchObserver & { now: () => Date }): Batch =>
  async (messages, signal) => {
    const startedAt = performance.now()
    const undelivered = await process(messages, signal)
    onBatch({ items: messages.length, tookMs: performance.now() - startedAt })
    const at = now().getTime()
    // The clock of their publisher or broker may be ahead of ours; -1 says that there is none.
    for (const { timestamp } of messages) if (timestamp > 0n) onApplied(Math.max(0, at - Number(timestamp)))
    return undelivered
  }

/** `onSent`: told of every letter that was acknowledged. */
export const tellLetters = (deadLetters: DeadLetters, onSent: (letter: DeadLetter) => void): DeadLetters => ({
  ...deadLetters,
  async send(letters, signal) {
    await deadLetters.send(letters, signal)
    for (const letter of letters) onSent(letter)
  },
})
