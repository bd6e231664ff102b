// Which dead letters are sent again, and in which order. A letter that was redriven and came back names its root; the letters
// of one root are one message, which is sent once a run.

import type { Letter } from '../kafka/letters.ts'
import { parseCoordinates, type Coordinates } from '../wire/coordinates.ts'

/** All that is given must hold; of ids and orders one. Everything undefined or empty: any letter. */
export type Selector = {
  disposition: string | undefined
  orderIds: readonly string[]
  ids: readonly string[]
  /** From this time on, and before that. */
  sinceMs: number | undefined
  untilMs: number | undefined
}

/** The coordinates are those of the message itself, for the order of sending. */
export type Selected = Coordinates & { rootId: string; place: Letter['place'] }

export type LetterBook = {
  add: (letter: Letter) => void
  /** Messages that all the letters seen so far are about. */
  count: () => number
  /** In original order, `limit` at most. `leftOut`: the ids of those that would have been selected. */
  select: (limit: number) => { selected: Selected[]; leftOut: string[] }
  /** Those of the asked-for ids that no letter has. */
  notFound: () => string[]
}

const matches = (selector: Selector, letter: Letter): boolean => {
  const { disposition, orderIds, ids, sinceMs = -Infinity, untilMs = Infinity } = selector
  if (disposition !== undefined && letter.disposition !== disposition) return false
  if (letter.letteredAtMs < sinceMs || letter.letteredAtMs >= untilMs) return false
  if (ids.length > 0 && !ids.includes(letter.id) && !ids.includes(letter.rootId)) return false
  return orderIds.length === 0 || orderIds.some((orderId) => letter.legs.some((leg) => leg.endsWith(`:${orderId}`)))
}

/** Of a message whose id does not say where it stood: it is sent first. */
const nowhere: Coordinates = { topic: '', partition: -1, offset: 0n }

const textOrder = (a: string, b: string): number => (a < b ? -1 : Number(a > b))

const inOriginalOrder = (a: Selected, b: Selected): number =>
  textOrder(a.topic, b.topic) ||
  a.partition - b.partition ||
  Number(a.offset - b.offset) ||
  textOrder(a.rootId, b.rootId)

/** Keeps a few dozen bytes a letter: what is sent is read again from its place. */
export const createLetterBook = (selector: Selector): LetterBook => {
  const roots = new Map<string, { place: Letter['place']; leftOut: boolean; matched: boolean }>()
  const missing = new Set(selector.ids)
  return {
    add(letter) {
      const matched = matches(selector, letter)
      missing.delete(letter.id)
      missing.delete(letter.rootId)
      const known = roots.get(letter.rootId)
      if (known === undefined) {
        roots.set(letter.rootId, { place: letter.place, leftOut: letter.leftOut, matched })
        return
      }
      known.matched ||= matched
      if (!known.leftOut || letter.leftOut) return
      known.leftOut = false
      known.place = letter.place
    },
    count: () => roots.size,
    select(limit) {
      const matched = [...roots].filter(([, root]) => root.matched)
      const selected = matched
        .filter(([, { leftOut }]) => !leftOut)
        .map(([rootId, { place }]) => ({ rootId, ...(parseCoordinates(rootId) ?? nowhere), place }))
        .toSorted(inOriginalOrder)
      return {
        selected: selected.slice(0, limit),
        leftOut: matched.filter(([, { leftOut }]) => leftOut).map(([rootId]) => rootId),
      }
    },
    notFound: () => [...missing],
  }
}
