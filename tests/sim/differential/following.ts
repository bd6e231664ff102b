// Calls that read the log. Each side has places of its own, for its transaction ids mean nothing to the other; what was committed since
// such a place has to be the same.

import { openStatuses } from '../../../src/domain/order.ts'
import {
  countDelta,
  readDelta,
  readFiltered,
  readHead,
  readPage,
  type RowFilter,
  type LogRow,
  type LogState,
  type Place,
} from '../../../src/store/log.ts'
import { readEdge, readOrphaned, readPredecessors } from '../../../src/store/logCut.ts'
import { readOrderPage } from '../../../src/store/orderPage.ts'
import { isVisible, withRunning } from '../../../src/store/snapshot.ts'
import { tickers } from '../postgres/tickers.ts'
import type { Call, Own } from './calls.ts'
import { some, someId, type Memory } from './memory.ts'

/** More than any sequence writes: which of a table's two arms has a row may differ, as all databases of a server share its ids. */
const limit = 1_000

const shown = ({ standby, epoch, ours, witnessed }: LogState): object => ({ standby, epoch, ours, witnessed })

const shownRows = (rows: readonly LogRow[]): object[] =>
  rows.toSorted((a, b) => (a.position < b.position ? -1 : 1)).map(({ history }) => history)

const highest = (rows: readonly LogRow[]): LogRow | undefined =>
  rows.toSorted((a, b) => (a.xact < b.xact ? -1 : 1)).at(-1)

/** The place after a read, as the next one may begin there. */
const placeAfter = (place: Place, state: LogState, rows: readonly LogRow[]): Place => {
  const last = highest(rows)
  if (last === undefined) return { ...place, snapshot: state.snapshot }
  const { xact, position, history } = last
  const witness = { xact, position, orderId: history.order.id, version: history.order.version }
  return { ...place, snapshot: state.snapshot, witness }
}

const someFilter = ({ random, users }: Memory, orderId: string): RowFilter => ({
  ...(random.chance(0.3) && { interest: { sessions: ['FIRM'], userIds: users.filter(() => random.chance(0.5)) } }),
  ...(random.chance(0.4) && { userId: random.pick(users) }),
  ...(random.chance(0.4) && { ticker: random.pick(tickers) }),
  ...(random.chance(0.2) && { orderId }),
})

/** The same choice on both sides, of places that were read at the same steps. */
const choosePlace = ({ random }: Memory): ((own: Own) => Place) => {
  const back = random.int(1, 4)
  return ({ places }) => places[Math.max(0, places.length - back)]!
}

const head = (): Call => ({
  name: 'readHead',
  writes: false,
  async run(sql, { places }) {
    const { state, head: witness } = await readHead(sql)
    places.push({ epoch: state.epoch, snapshot: state.snapshot, witness, page: null })
    return { ...shown(state), empty: witness === null }
  },
})

const delta = (memory: Memory): Call => {
  const choose = choosePlace(memory)
  return {
    name: 'readDelta',
    writes: false,
    ordered: true,
    async run(sql, own) {
      const place = choose(own)
      const { state, rows } = await readDelta(sql, place, limit)
      own.places.push(placeAfter(place, state, rows))
      return { ...shown(state), rows: shownRows(rows) }
    },
  }
}

const filtered = (memory: Memory): Call => {
  const choose = choosePlace(memory)
  const filter = someFilter(memory, someId(memory))
  return {
    name: 'readFiltered',
    writes: false,
    ordered: true,
    async run(sql, own) {
      const { state, rows, mark, bounded } = await readFiltered(sql, choose(own), {
        filter,
        looksMax: limit,
        armLimit: limit,
      })
      return { ...shown(state), rows: shownRows(rows), empty: mark === null, bounded }
    },
  }
}

/** Between two places of one side; the later one may be the earlier one. */
const page = (memory: Memory): Call => {
  const [from, to] = [choosePlace(memory), choosePlace(memory)]
  const filter = someFilter(memory, someId(memory))
  const max = memory.random.int(1, 6)
  return {
    name: 'readPage',
    writes: false,
    ordered: true,
    async run(sql, own) {
      const place = { ...from(own), page: { end: to(own).snapshot, after: 0n } }
      const first = await readPage(sql, place, { filter, limit: max })
      const after = first.rows.reduce((most, { position }) => (position > most ? position : most), 0n)
      const next = await readPage(sql, { ...place, page: { ...place.page, after } }, { filter, limit: max })
      return { ...shown(next.state), rows: [first, next].map(({ rows }) => shownRows(rows)) }
    },
  }
}

const edge = (memory: Memory): Call => {
  const choose = choosePlace(memory)
  return {
    name: 'readEdge',
    writes: false,
    async run(sql, own) {
      const { state, mark, bounded } = await readEdge(sql, choose(own), limit)
      return { ...shown(state), bounded, empty: mark === null }
    },
  }
}

/** Up to an end at which a transaction that has ended counts as running: what followed it there is orphaned. */
const orphaned = (memory: Memory): Call => {
  const [from, to, missing] = [choosePlace(memory), choosePlace(memory), choosePlace(memory)]
  return {
    name: 'readOrphaned',
    writes: false,
    async run(sql, own) {
      const { snapshot } = to(own)
      const xact = missing(own).witness?.xact
      const end = xact !== undefined && isVisible(snapshot, xact) ? withRunning(snapshot, [xact]) : snapshot
      return { count: (await readOrphaned(sql, { ...from(own), page: { end, after: 0n } }, limit)).length }
    },
  }
}

const count = (memory: Memory): Call => {
  const choose = choosePlace(memory)
  const max = memory.random.pick([0, 3, limit])
  return {
    name: 'countDelta',
    writes: false,
    async run(sql, own) {
      const { state, behind } = await countDelta(sql, choose(own), max)
      return { ...shown(state), behind }
    },
  }
}

/** A row that nobody wrote: its transaction is of another server. */
const strange = (memory: Memory): Call => {
  const choose = choosePlace(memory)
  const orderId = someId(memory)
  return {
    name: 'readDelta by a strange witness',
    writes: false,
    async run(sql, own) {
      const witness = { xact: 7n, position: 1n, orderId, version: memory.count % 2 }
      const { state } = await readDelta(sql, { ...choose(own), witness }, limit)
      return shown(state)
    },
  }
}

const predecessors = (memory: Memory): Call => {
  const versions = some(memory.random, 4, () => ({ orderId: someId(memory), version: memory.random.int(0, 3) }))
  return {
    name: 'readPredecessors',
    writes: false,
    run: async (sql) => (await readPredecessors(sql, versions)).map(({ orderId, version }) => ({ orderId, version })),
  }
}

const openOrders = (memory: Memory): Call => {
  const { userId, ticker } = someFilter(memory, '')
  const filter = { userId, ticker, statuses: openStatuses, open: true } as const
  const [before, max] = [memory.random.chance(0.5) ? someId(memory) : undefined, memory.random.int(1, 5)]
  return {
    name: 'readOrderPage',
    writes: false,
    ordered: true,
    run: (sql) =>
      readOrderPage(
        sql,
        { ...filter, side: undefined, clientOrderId: undefined, before, from: undefined },
        { limit: max, now: new Date() },
      ),
  }
}

/** Some of them, in turn at random; the first one of a side has to be a head. */
export const following = (memory: Memory): Call => {
  if (!memory.followed) {
    memory.followed = true
    return head()
  }
  return memory.random.pick([
    head,
    delta,
    delta,
    delta,
    filtered,
    page,
    edge,
    orphaned,
    count,
    strange,
    predecessors,
    openOrders,
  ])(memory)
}
