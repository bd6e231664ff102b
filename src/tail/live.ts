// The followers that are at the head of the log, by what they follow: an event reaches those that it concerns, without asking the others.

import type { EventFilter, ResetReason } from '../app/follow.ts'
import { passes } from './entries.ts'
import type { Entry } from './ring.ts'

export type LiveFollower = {
  filter: EventFilter
  /** Events that pass the filter, in their order; `bytes`: how much they take. The list is shared: do not change it. */
  push: (entries: readonly Entry[], bytes: number) => void
  /** The database is another one: begin anew. */
  reset: (reason: ResetReason) => void
}

export type Live = {
  add: (follower: LiveFollower) => void
  remove: (follower: LiveFollower) => void
  size: () => number
  deliver: (entries: readonly Entry[]) => void
  /** Every follower leaves and begins anew. */
  reset: (reason: ResetReason) => void
}

export const bytesOf = (entries: readonly Entry[]): number =>
  entries.reduce((sum, { event, cursor }) => sum + event.text.length + cursor.length, 0)

type Index = Map<string, Set<LiveFollower>>

export const createLive = (): Live => {
  const all = new Set<LiveFollower>()
  const unfiltered = new Set<LiveFollower>()
  const [byOrder, byUser, byTicker]: [Index, Index, Index] = [new Map(), new Map(), new Map()]

  /** Where a follower with a filter is found: by the narrowest member. */
  const placeOf = ({ filter: { orderId, userId, ticker } }: LiveFollower): { index: Index; key: string } | null => {
    if (orderId !== undefined) return { index: byOrder, key: orderId }
    if (userId !== undefined) return { index: byUser, key: userId }
    return ticker === undefined ? null : { index: byTicker, key: ticker }
  }

  const sort = (entries: readonly Entry[]): Map<LiveFollower, Entry[]> => {
    const lists = new Map<LiveFollower, Entry[]>()
    for (const entry of entries) {
      const { event } = entry
      for (const set of [byOrder.get(event.orderId), byUser.get(event.userId), byTicker.get(event.ticker)])
        for (const follower of set ?? []) {
          if (!passes(follower.filter, event)) continue
          const list = lists.get(follower)
          if (list === undefined) lists.set(follower, [entry])
          else list.push(entry)
        }
    }
    return lists
  }

  const remove = (follower: LiveFollower): void => {
    all.delete(follower)
    unfiltered.delete(follower)
    const place = placeOf(follower)
    const set = place?.index.get(place.key)
    set?.delete(follower)
    if (place !== null && set?.size === 0) place.index.delete(place.key)
  }

  return {
    add(follower) {
      all.add(follower)
      const place = placeOf(follower)
      if (place === null) unfiltered.add(follower)
      else place.index.set(place.key, (place.index.get(place.key) ?? new Set()).add(follower))
    },
    remove,
    size: () => all.size,
    deliver(entries) {
      if (entries.length === 0) return
      if (unfiltered.size > 0) {
        const bytes = bytesOf(entries)
        for (const follower of unfiltered) follower.push(entries, bytes)
      }
      for (const [follower, list] of sort(entries)) follower.push(list, bytesOf(list))
    },
    reset(reason) {
      for (const follower of all) {
        remove(follower)
        follower.reset(reason)
      }
    },
  }
}
