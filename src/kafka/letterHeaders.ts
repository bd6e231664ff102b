// The headers that a dead letter has beside those of its message: deadLetters.ts writes them, letters.ts reads them.

/** On a message that was sent again: the id of the first letter about it. */
export const redrivenFrom = 'x-redriven-from'

export const letterHeaders = {
  id: 'x-dead-letter-id',
  disposition: 'x-disposition',
  reason: 'x-reason',
  legs: 'x-legs',
  topic: 'x-original-topic',
  partition: 'x-original-partition',
  offset: 'x-original-offset',
  /** The parts of the message that are not here, comma-separated; empty where all are. Letters of older versions have no such header. */
  leftOut: 'x-left-out',
  /** What the message did not have: its key. */
  added: 'x-added',
} as const

/** What can be left out of a message. */
export const letterParts = ['headers', 'value', 'key'] as const
export type LetterPart = (typeof letterParts)[number]

const names: ReadonlySet<string> = new Set(Object.values(letterHeaders))

/** Whether a header is a letter's own, and not its message's. */
export const isLetterHeader = (name: Buffer): boolean => names.has(name.toString())
