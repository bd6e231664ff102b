// Those who follow the log page by page and are at its head: what was read reaches those whom it concerns, without asking the others.

import type { PageInterest } from '../../app/logPages.ts'
import type { HistoryEvent } from '../../domain/history.ts'
import type { LogRow } from '../../store/log.ts'
import type { Stretch } from './portions.ts'

/** Somebody at the head. */
export type LiveReader = {
  readonly interest: PageInterest
  readonly concerns: (event: HistoryEvent) => boolean
  /** Takes what concerns it. It may have read some of it before it joined. */
  readonly push: (stretch: Stretch) => void
  /** It is at the head no more, and was given nothing beyond the present head: what it has not kept counts as not read. */
  readonly drop: () => void
}

type Index = Map<string, Set<LiveReader>>

const putInto = (index: Index, key: string, reader: LiveReader): void =>
  void index.set(key, (index.get(key) ?? new Set()).add(reader))

const takeFrom = (index: Index, key: string, reader: LiveReader): void => {
  const set = index.get(key)
  set?.delete(reader)
  if (set?.size === 0) index.delete(key)
}

/** Those at the head, by what concerns them. */
export const createAudience = () => {
  const all = new Set<LiveReader>()
  const [bySession, byUser]: [Index, Index] = [new Map(), new Map()]

  const leave = (reader: LiveReader): void => {
    all.delete(reader)
    takeFrom(bySession, reader.interest.session, reader)
    for (const userId of reader.interest.userIds) takeFrom(byUser, userId, reader)
  }

  const of = ({ order, door, cause }: HistoryEvent): Set<LiveReader> => {
    const session = door?.kind === 'fix' ? bySession.get(door.session) : undefined
    const causer = cause.session === undefined ? undefined : bySession.get(cause.session)
    return new Set([...(session ?? []), ...(causer ?? []), ...(byUser.get(order.userId) ?? [])])
  }

  return {
    join(reader: LiveReader): void {
      all.add(reader)
      putInto(bySession, reader.interest.session, reader)
      for (const userId of reader.interest.userIds) putInto(byUser, userId, reader)
    },
    leave,
    deliver({ start, end, rows }: Stretch): void {
      const lists = new Map<LiveReader, LogRow[]>()
      for (const row of rows)
        for (const reader of of(row.history)) {
          if (!reader.concerns(row.history)) continue
          const list = lists.get(reader)
          if (list === undefined) lists.set(reader, [row])
          else list.push(row)
        }
      for (const [reader, list] of lists) reader.push({ start, end, rows: list })
    },
    dropAll(): void {
      for (const reader of all) {
        leave(reader)
        reader.drop()
      }
    },
  }
}
