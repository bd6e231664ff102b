// Which dead letters are sent again, and in which order. A letter that was redriven and came back names its root; the letters
// of one root are one message, which is sent once a run, unless their contents say that they are several: a topic that was made anew gives
// coordinates out again.

import type { Letter } from '../kafka/letters.ts'
import { parseCoordinates, type Coordinates } from '../wire/coordinates.ts'

/** A letter must match every member that is set: one of the ids, one of the orders. Nothing set: every letter matches. */
export type Selector = {
  disposition: string | undefined
  orderIds: readonly string[]
  ids: readonly string[]
  /** Letters written from `sinceMs` on (inclusive) and before `untilMs` (exclusive), in ms since 1970. */
  sinceMs: number | undefined
  untilMs: number | undefined
}

/** The coordinates are those of the original message: they decide the order of sending. */
export type Selected = Coordinates & { rootId: string; place: Letter['place'] }

export type LetterBook = {
  add: (letter: Letter) => void
  /** The number of messages that the letters so far are about. */
  count: () => number
  /** Returns at most `limit` messages, in their original order. `leftOut`: the ids of letters that match but do not hold the whole message. */
  select: (limit: number) => { selected: Selected[]; leftOut: string[] }
  /** The ids of the selector that no letter has. */
  notFound: () => string[]
}

const matches = (selector: Selector, letter: Letter): boolean => {
  const { disposition, orderIds, ids, sinceMs = -Infinity, untilMs = Infinity } = selector
  if (disposition !== undefined && letter.disposition !== disposition) return false
  if (letter.letteredAtMs < sinceMs || letter.letteredAtMs >= untilMs) return false
  if (ids.length > 0 && !ids.includes(letter.id) && !ids.includes(letter.rootId)) return false
  return orderIds.length === 0 || orderIds.some((orderId) => letter.legs.some((leg) => leg.endsWith(`:${orderId}`)))
}

/** Stands for the coordinates of a message whose id does not give them: such a message is sent first. */
const nowhere: Coordinates = { topic: '', partition: -1, offset: 0n }

const textOrder = (a: string, b: string): number => (a < b ? -1 : Number(a > b))

const inOriginalOrder = (a: Selected, b: Selected): number =>
  textOrder(a.topic, b.topic) ||
  a.partition - b.partition ||
  Number(a.offset - b.offset) ||
  textOrder(a.rootId, b.rootId)

type Root = Pick<Letter, 'rootId' | 'content' | 'place' | 'leftOut'> & { matched: boolean }

/** A letter that does not have its message may be about any of the same coordinates. */
const isOf = (letter: Letter, { content }: Root): boolean =>
  content === letter.content || content === null || letter.content === null

/** Keeps a few dozen bytes for each letter: a letter that is sent is read again from its place. */
export const createLetterBook = (selector: Selector): LetterBook => {
  const roots = new Map<string, Root[]>()
  const missing = new Set(selector.ids)
  const all = (): Root[] => [...roots.values()].flat()
  return {
    add(letter) {
      const { id, rootId, content, place, leftOut } = letter
      const matched = matches(selector, letter)
      missing.delete(id)
      missing.delete(rootId)
      const known = roots.get(rootId) ?? []
      roots.set(rootId, known)
      const root = known.find((one) => isOf(letter, one))
      if (root === undefined) return void known.push({ rootId, content, place, leftOut, matched })
      root.matched ||= matched
      if (root.leftOut && !leftOut) Object.assign(root, { content, place, leftOut })
    },
    count: () => all().length,
    select(limit) {
      const matched = all().filter((root) => root.matched)
      const selected = matched
        .filter(({ leftOut }) => !leftOut)
        .map(({ rootId, place }) => ({ rootId, ...(parseCoordinates(rootId) ?? nowhere), place }))
        .toSorted(inOriginalOrder)
      return {
        selected: selected.slice(0, limit),
        leftOut: matched.filter(({ leftOut }) => leftOut).map(({ rootId }) => rootId),
      }
    },
    notFound: () => [...missing],
  }
}
