// UUIDs: the canonical form, and version 7, whose first 48 bits are the millisecond in which the id was made, so that ids sort by age.

import { uuidForm } from './patterns.ts'

const uuidPattern = new RegExp(uuidForm.sent)

/** The lower-case form, or null if the text is not a UUID. */
export const canonicalUuid = (text: string): string | null => (uuidPattern.test(text) ? text.toLowerCase() : null)

/** The lowest possible UUIDv7 of this millisecond since 1970: the bound of a scan by time. */
export const leastIdAt = (epochMs: number): string => {
  const hex = Math.min(Math.max(epochMs, 0), 2 ** 48 - 1)
    .toString(16)
    .padStart(12, '0')
  return `${hex.slice(0, 8)}-${hex.slice(8)}-0000-0000-000000000000`
}
