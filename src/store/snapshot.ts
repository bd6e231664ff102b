// Snapshots of Postgres, as the places of readers in the log: which transactions were finished when somebody read. Pure.

/** Transactions below `xmax` are finished, except those in `xip` (ascending, all below `xmax`). */
export type Snapshot = { xmax: bigint; xip: readonly bigint[] }

const form = /^(\d{1,20}):(\d{1,20}):((?:\d{1,20}(?:,\d{1,20})*)?)$/

/** Reads what Postgres writes, `xmin:xmax:xip,xip`. Null: it is no snapshot. */
export const parseSnapshot = (text: string): Snapshot | null => {
  const match = form.exec(text)
  if (match === null) return null
  const xmax = BigInt(match[2]!)
  const xip = match[3] === '' ? [] : match[3]!.split(',').map(BigInt)
  return xip.every((id, i) => id < xmax && (i === 0 || id > xip[i - 1]!)) ? { xmax, xip } : null
}

/** As Postgres reads it. */
export const writeSnapshot = ({ xmax, xip }: Snapshot): string => `${xip[0] ?? xmax}:${xmax}:${xip.join(',')}`

/** Whether a transaction was finished in it. */
export const isVisible = ({ xmax, xip }: Snapshot, xact: bigint): boolean =>
  xact < xmax && (xip.length === 0 || xact < xip[0]! || !xip.includes(xact))

/** Whether everything that is visible in `inner` is visible in `outer`. */
export const contains = (outer: Snapshot, inner: Snapshot): boolean => {
  const beyond = inner.xmax - outer.xmax
  const runsBeyond = inner.xip.filter((xact) => xact >= outer.xmax).length
  return beyond <= BigInt(runsBeyond) && outer.xip.every((xact) => xact >= inner.xmax || inner.xip.includes(xact))
}

/**
 * The place after everything below `before` was read in the snapshot `read`, going on from `from`: visible is what is visible in `from`,
 * and what is below `before` and visible in `read`.
 *
 * `before` is at most the highest transaction id of a row that was read, plus one (the *clip*). After a crash, Postgres gives out ids again
 * whose end was not on disk yet. A place that counted those as finished would skip whoever gets them next; ids below one whose row is on
 * disk are never given out again.
 */
export const advance = (from: Snapshot, read: Snapshot, before: bigint): Snapshot => {
  const end = before < read.xmax ? before : read.xmax
  const xmax = end > from.xmax ? end : from.xmax
  const stillRunning = from.xip.filter((xact) => xact >= before || !isVisible(read, xact))
  return { xmax, xip: [...stillRunning, ...read.xip.filter((xact) => xact >= from.xmax && xact < xmax)] }
}

/** As if these transactions, which are visible in it, were still running. */
export const withRunning = ({ xmax, xip }: Snapshot, xacts: readonly bigint[]): Snapshot => ({
  xmax,
  xip: [...xip, ...xacts].toSorted((x, y) => (x < y ? -1 : 1)),
})

/** Visible in it is what is visible in both. */
export const meet = (a: Snapshot, b: Snapshot): Snapshot => {
  const xmax = a.xmax < b.xmax ? a.xmax : b.xmax
  const running = [...new Set([...a.xip, ...b.xip])].filter((xact) => xact < xmax)
  return { xmax, xip: running.toSorted((x, y) => (x < y ? -1 : 1)) }
}

/** Visible in it is what is visible in one of them. */
export const join = (a: Snapshot, b: Snapshot): Snapshot => ({
  xmax: a.xmax > b.xmax ? a.xmax : b.xmax,
  xip: [...a.xip.filter((xact) => !isVisible(b, xact)), ...b.xip.filter((xact) => xact >= a.xmax)].toSorted((x, y) =>
    x < y ? -1 : 1,
  ),
})
