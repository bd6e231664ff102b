// What is known of the orders on the stream: each order as of its last change, so that a change that comes again is known as such.

/** `changed`: JSON of the order before the last change; null: it was seen once. `atMs`: when the change came, by our own clock. */
export type Row = {
  version: number
  open: boolean
  kind: string | null
  text: string
  before: string | null
  atMs: number
}

/** `applied`: new. `repeat`: seen before. `missing`: versions between the last one and this one that did not come. */
type Applied = { kind: 'applied' | 'repeat'; missing: number }

export type Board = {
  /** Takes an order of a snapshot, or with `event` one that changed. `text`: its JSON, kept only if this board keeps texts. */
  apply: (order: SeenOrder, event: string | null, atMs: number) => Applied
  /** A snapshot begins. `anew`: changes may be missing, and the database may be an older one: versions of before prove nothing. */
  begin: (anew: boolean) => void
  /** Every open order that was not in the snapshot since `begin` has ended meanwhile. */
  live: (atMs: number) => void
  /** The orders that changed last first. */
  newest: () => Iterable<Row>
  counts: () => { open: number; ended: number; changes: number }
}

type SeenOrder = { id: string; version: number; status: string; text: string }

/** Orders that are remembered. An older one is forgotten: a change of it that came again would be taken as new. */
const ordersMax = 100_000
const openStatuses: ReadonlySet<string> = new Set(['NEW', 'PARTIALLY_FILLED'])

export const createBoard = ({ keepTexts }: { keepTexts: boolean }): Board => {
  const rows = new Map<string, Row>()
  let [open, changes] = [0, 0]
  /** The open orders before the snapshot that is being read, less those in it; null while none is read. */
  let vanished: Set<string> | null = null
  /** The orders that did not come again since the stream began anew. */
  let past = new Set<string>()

  const put = (id: string, row: Row): void => {
    const old = rows.get(id)
    open += Number(row.open) - Number(old?.open ?? false)
    rows.delete(id)
    rows.set(id, row)
    if (rows.size <= ordersMax) return
    const [oldest, forgotten] = rows.entries().next().value!
    open -= Number(forgotten.open)
    rows.delete(oldest)
  }

  return {
    apply({ id, version, status, text }, kind, atMs) {
      const old = rows.get(id)
      vanished?.delete(id)
      const isPast = past.delete(id)
      const isRepeat = old !== undefined && (isPast ? kind === null && version === old.version : version <= old.version)
      if (isRepeat) return { kind: 'repeat', missing: 0 }
      const missing = kind === null || old === undefined || isPast ? 0 : version - old.version - 1
      if (kind !== null) changes++
      const before = keepTexts && old !== undefined ? old.text : null
      put(id, { version, open: openStatuses.has(status), kind, text: keepTexts ? text : '', before, atMs })
      return { kind: 'applied', missing }
    },
    begin(anew) {
      if (anew) past = new Set(rows.keys())
      vanished = new Set(rows.entries().flatMap(([id, row]) => (row.open ? [id] : [])))
    },
    live(atMs) {
      for (const id of vanished ?? []) {
        const row = rows.get(id)
        if (row?.open === true) put(id, { ...row, open: false, kind: 'ENDED', before: null, atMs })
      }
      vanished = null
    },
    *newest() {
      // A map knows its order of insertion from the oldest on.
      yield* [...rows.values()].toReversed()
    },
    counts: () => ({ open, ended: rows.size - open, changes }),
  }
}
