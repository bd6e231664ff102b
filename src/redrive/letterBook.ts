// Which dead letters are sent again, and in which order. A letter that was redriven and came back names its root; the letters
// of one root are one message, which is sent once a run.

/** Where a letter lies on the dead-letter topic. */
type Place = { partition: number; offset: bigint }

export const redrivable = ['UNKNOWN_ORDER', 'MALFORMED'] as const

export type Letter = {
  /** `topic-partition-offset` of the message that it was made of. */
  id: string
  /** The id of the first letter about this message: its own, unless it was redriven. */
  rootId: string
  disposition: string
  reason: string
  /** `BUY:<order id>`. */
  legs: readonly string[]
  letteredAtMs: number
  /** Bytes or key of the message are not in it; it only says where to look. */
  leftOut: boolean
  place: Place
}

/** All that is given must hold; of ids and orders one. Everything undefined or empty: any letter. */
export type Selector = {
  disposition: string | undefined
  orderIds: readonly string[]
  ids: readonly string[]
  /** From this time on, and before that. */
  sinceMs: number | undefined
  untilMs: number | undefined
}

/** `topic`, `partition` and `offset` of the message itself, for the order of sending; partition −1 where the id does not say. */
export type Selected = { rootId: string; topic: string; partition: number; offset: bigint; place: Place }

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

const idPattern = /^(.*)-(\d+)-(\d+)$/s

/** Reads `topic-partition-offset`; a topic's name may have hyphens too. */
export const coordinatesOf = (id: string): Pick<Selected, 'topic' | 'partition' | 'offset'> => {
  const [, topic = '', partition = '-1', offset = '0'] = idPattern.exec(id) ?? []
  return { topic, partition: Number(partition), offset: BigInt(offset) }
}

const textOrder = (a: string, b: string): number => (a < b ? -1 : Number(a > b))

const inOriginalOrder = (a: Selected, b: Selected): number =>
  textOrder(a.topic, b.topic) ||
  a.partition - b.partition ||
  Number(a.offset - b.offset) ||
  textOrder(a.rootId, b.rootId)

/** Keeps a few dozen bytes a letter: what is sent is read again from its place. */
export const createLetterBook = (selector: Selector): LetterBook => {
  const roots = new Map<string, { place: Place; leftOut: boolean; matched: boolean }>()
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
        .map(([rootId, { place }]) => ({ rootId, ...coordinatesOf(rootId), place }))
        .toSorted(inOriginalOrder)
      return {
        selected: selected.slice(0, limit),
        leftOut: matched.filter(([, { leftOut }]) => leftOut).map(([rootId]) => rootId),
      }
    },
    notFound: () => [...missing],
  }
}
