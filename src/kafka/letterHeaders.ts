// The headers that a dead letter has in addition to those of its message. inbound/letterForms.ts writes them, letters.ts reads them.

/** The header of a message that was sent again: the id of the first letter about it. */
export const redrivenFrom = 'x-redriven-from'

export const letterHeaders = {
  id: 'x-dead-letter-id',
  disposition: 'x-disposition',
  reason: 'x-reason',
  legs: 'x-legs',
  topic: 'x-original-topic',
  partition: 'x-original-partition',
  offset: 'x-original-offset',
  /** The parts of the message that are missing, comma-separated; empty if none is. Letters of version 1.0 have no such header. */
  leftOut: 'x-left-out',
  /** What the letter has and its message had not: a key. */
  added: 'x-added',
} as const

/** The parts of a message that can be left out. */
export const letterParts = ['headers', 'value', 'key'] as const
export type LetterPart = (typeof letterParts)[number]

const names: ReadonlySet<string> = new Set(Object.values(letterHeaders))

/** Whether a header belongs to the letter and not to its message. */
export const isLetterHeader = (name: Buffer): boolean => names.has(name.toString())
