// One following of a stream client: from the moment at which it knows nothing, to the moment at which it forgets all. It judges each thing
// that the client saw as it comes, and at the end what it did not see.

import { numberOf } from './amounts.ts'
import { eventDifferences, fieldsOf, snapshotDifferences } from './eventContent.ts'
import type { Report, StreamFilter } from './evidence.ts'
import { finals, type History } from './history.ts'
import { checkTickerOrder } from './requests.ts'

type Histories = ReadonlyMap<string, History>
type Accepted = ReadonlyMap<string, { sentAt: number; ackedAt: number }>
/** `right`: events that were held against the log, and agree with it; another client may have seen the very same one. */
export type World = { histories: Histories; accepted: Accepted; report: Report; right: WeakSet<object> }

/** What a client knows of an order. `first`: the first version that it saw; null: the order was in the snapshot. */
type Seen = { version: number; first: number | null }

export type Following = {
  /** A page of the snapshot. */
  snapshot: (data: unknown) => void
  /** From here on nothing may be missing. `at`: when the client knew, in milliseconds. */
  live: (at: number) => void
  isLive: () => boolean
  event: (data: unknown) => void
  /** Judges what was not seen, if the following lasted to the end of the log. */
  finish: (lastedToTheEnd: boolean) => void
  readonly counts: { events: number; repeats: number; snapshotOrders: number }
}

const unit = 100_000_000n
const versionOf = (value: unknown): number => Number((numberOf(value) ?? -unit) / unit)

const passes = ({ order }: History, { userId, ticker, orderId }: StreamFilter): boolean =>
  (userId === undefined || order.userId === userId) &&
  (ticker === undefined || order.ticker === ticker) &&
  (orderId === undefined || order.id === orderId)

/**
 * Whether a client that was told of no version below `first` knew enough: the order had ended before the client listened, or it ended while
 * the snapshot was read, and the end came afterwards.
 */
const maySkipTo = ({ entries }: History, first: number, liveAt: number): boolean => {
  if (first === 0) return true
  const skipped = entries.slice(0, first)
  const ended = entries.find(({ status }) => finals.has(status))
  return skipped.every(({ at }) => at <= liveAt) && ended !== undefined && ended.at <= liveAt
}

/** `hasSnapshot`: without one a client knows nothing of the orders that were there. */
export const follow = (
  { name, filter, hasSnapshot }: { name: string; filter: StreamFilter; hasSnapshot: boolean },
  { histories, accepted, report, right }: World,
): Following => {
  const seen = new Map<string, Seen>()
  /** In the order in which their acceptance was seen first. */
  const placed: { id: string; ticker: string; place: number }[] = []
  const counts = { events: 0, repeats: 0, snapshotOrders: 0 }
  let liveAt: number | null = null

  const observe = (history: History, version: number): void => {
    const { id, ticker } = history.order
    const known = seen.get(id)
    const text = `${name}: order ${id}, version ${version}`
    if (known === undefined) {
      if (hasSnapshot && !maySkipTo(history, version, liveAt ?? 0))
        report('STREAM_GAP', `${text} is the first, and the order was neither in the snapshot nor had it ended`)
      seen.set(id, { version, first: version })
      if (version === 0) placed.push({ id, ticker, place: placed.length })
    } else if (version > known.version + 1) {
      report('STREAM_GAP', `${text} came after version ${known.version}`)
      known.version = version
    } else if (version === known.version + 1) known.version = version
    else counts.repeats++
  }
  const event = (data: unknown): void => {
    counts.events++
    const fields = fieldsOf(fieldsOf(data)['event'])
    const version = versionOf(fields['version'])
    const history = histories.get(String(fields['orderId']))
    const entry = history?.entries[version]
    const text = `${name}: order ${String(fields['orderId'])}, version ${version}`
    if (history === undefined || entry === undefined) return report('STREAM_FROM_NOWHERE', `${text} is not in the log`)
    if (!passes(history, filter))
      return report('STREAM_FROM_NOWHERE', `${text} does not pass ${JSON.stringify(filter)}`)
    const whole = fieldsOf(data)
    const differs = right.has(whole) ? [] : eventDifferences(data, history, entry)
    if (differs.length === 0) right.add(whole)
    if (differs.length > 0) report('STREAM_CONTENT_DIFFERS', `${text}: ${differs.join(', ')}`)
    observe(history, version)
  }
  const inSnapshot = (data: unknown): void => {
    counts.snapshotOrders++
    const fields = fieldsOf(data)
    const id = String(fields['id'])
    const history = histories.get(id)
    const entry = history?.entries[versionOf(fields['version'])]
    const text = `${name}: order ${id} in the snapshot`
    if (history === undefined || entry === undefined)
      return report('STREAM_SNAPSHOT_DIFFERS', `${text} is not in the log`)
    if (!passes(history, filter)) return report('STREAM_SNAPSHOT_DIFFERS', `${text} does not pass the filter`)
    if (finals.has(entry.status)) return report('STREAM_SNAPSHOT_DIFFERS', `${text} is ${entry.status}`)
    const differs = snapshotDifferences(data, history, entry)
    if (differs.length > 0) report('STREAM_SNAPSHOT_DIFFERS', `${text}: ${differs.join(', ')}`)
    seen.set(id, { version: entry.version, first: null })
  }
  /** Whatever was written after the client knew that it is live was committed after that, so it had to come. */
  const checkMissing = (history: History, since: number): void => {
    const { order, entries } = history
    const known = seen.get(order.id)
    const last = entries.at(-1)!
    const text = `${name}: order ${order.id}`
    if (known !== undefined && known.version < last.version)
      report('STREAM_MISSING', `${text}: nothing came after version ${known.version} of ${last.version}`)
    if (known === undefined && (last.at > since || (hasSnapshot && !finals.has(last.status))))
      report('STREAM_MISSING', `${text} (${last.status}) was never seen`)
    if (known !== undefined && known.first !== null && entries.slice(0, known.first).some(({ at }) => at > since))
      report('STREAM_MISSING', `${text}: version ${known.first} was the first to come`)
  }
  return {
    snapshot(data) {
      const { orders } = fieldsOf(data)
      if (!Array.isArray(orders) || liveAt !== null || !hasSnapshot)
        report('STREAM_UNLAWFUL', `${name}: a snapshot that is none`)
      else orders.forEach(inSnapshot)
    },
    live(at) {
      liveAt ??= at
    },
    isLive: () => liveAt !== null,
    event,
    finish(lastedToTheEnd) {
      checkTickerOrder(placed, accepted, (text) => report('STREAM_ORDER', `${name}: ${text}`))
      if (!lastedToTheEnd || liveAt === null) return
      for (const history of histories.values()) if (passes(history, filter)) checkMissing(history, liveAt)
    },
    counts,
  }
}
