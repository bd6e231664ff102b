// The cursors of lists: opaque text that names the list and the position after which its next page begins. All lists page alike: the
// service returns the items of a page and the next position, or null on the last page. HTTP writes and reads the position as a cursor.

import { Type } from '@sinclair/typebox'
import { canonicalUuid } from '../../domain/ids.ts'
import { orNull } from '../../wire/shapes.ts'

/** The tag of each list. `bare`: until 1.1 its cursors were the bare id of an item, with no tag; those are still read. */
const lists = {
  order: { bare: true },
  fill: { bare: false },
  event: { bare: false },
  exception: { bare: true },
  reportException: { bare: false },
  instrument: { bare: false },
  ruleChange: { bare: false },
} as const
export type CursorList = keyof typeof lists

/** `position`: the next position, from the service. Null, for the last page, stays null. */
export const encodeCursor = (list: CursorList, position: string | number | null): string | null =>
  position === null ? null : Buffer.from(`${list}-${position}`).toString('base64url')

/** The position in a cursor of this list; undefined for any other text, a cursor of another list included. */
export const decodeCursor = (list: CursorList, cursor: string): string | undefined => {
  const bytes = Buffer.from(cursor, 'base64url')
  // The decoder skips characters outside base64url, so only text that encodes back unchanged is a cursor.
  if (bytes.toString('base64url') !== cursor) return undefined
  const text = bytes.toString()
  if (text.startsWith(`${list}-`)) return text.slice(list.length + 1)
  return lists[list].bare && canonicalUuid(text) !== null ? text : undefined
}

export const NextCursor = orNull(
  Type.String({ description: 'The cursor of the next page; null on the last. A page may be short before that.' }),
)
