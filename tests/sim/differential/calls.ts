// Generates calls of the functions of src/store, of every kind that a simulated run makes; the same random numbers make the same
// calls. Their arguments collide: keys used twice, orders locked by others, stale states, positions deleted twice.

import type { Moment } from '../../../src/store/covered.ts'
import { readLegState, writeFills, type LegState } from '../../../src/store/fills.ts'
import { readEpoch } from '../../../src/store/gate.ts'
import { areKeysFree, keyText, readKeysFilled, readVoidKeys } from '../../../src/store/keys.ts'
import { releaseLeases, renewLeases } from '../../../src/store/leases.ts'
import type { Place } from '../../../src/store/log.ts'
import { moveOrders, type Move } from '../../../src/store/moves.ts'
import { insertOrders, readByKey, readKeyHolders, readOrders } from '../../../src/store/orders.ts'
import {
  deleteEvents,
  deleteFreeEvents,
  drawTransactionId,
  readBacklog,
  readLastPosition,
  readOutbox,
  readSettled,
  shardCount,
  type EventPlace,
} from '../../../src/store/outbox.ts'
import type { Sql } from '../../../src/store/sql.ts'
import type { Random } from '../../support/random.ts'
import { tickers } from '../postgres/tickers.ts'
import { unlessNow } from './contents.ts'
import { decide } from './decisions.ts'
import { ending } from './ending.ts'
import { following } from './following.ts'
import { many } from './many.ts'
import { newId, some, someId, someTime, type Memory } from './memory.ts'
import { reports } from './reporting.ts'
import { stopping } from './stopping.ts'
import { someKey, someOrder, someTerms } from './terms.ts'

/** Values that differ between the two sides: transaction ids, the stamps of the rows by the number of the read, and places in the log. */
export type Own = {
  xid: bigint
  stamps: Map<number, LegState['stamps']>
  places: Place[]
  /** Of sweeps. */
  moments: Map<string, Moment>
}

export type Call = {
  name: string
  writes: boolean
  ordered?: boolean
  run: (sql: Sql, own: Own) => Promise<unknown>
  /** Gets the fake's answer, to remember what later calls can use. */
  learn?: (answer: unknown) => void
}

export const leaseTtlMs = 60_000

const placing = (memory: Memory): Call => {
  const { random, ids } = memory
  const placed = some(random, 4, () => ({
    order: someOrder(memory),
    origin: {
      requestId: random.chance(0.5) ? `request ${random.int(0, 9)}` : null,
      subject: random.chance(0.5) ? `subject ${random.int(0, 9)}` : null,
    },
    event: { eventId: newId(memory), traceparent: random.chance(0.5) ? `trace ${random.int(0, 9)}` : null },
  }))
  ids.push(...placed.map(({ order }) => order.id))
  const fresh = random.chance(0.5)
  const epoch = String(random.chance(0.9) ? memory.epoch : memory.epoch + BigInt(random.pick([-1, 1])))
  const keysFilled = someFilled(memory)
  return {
    name: 'insertOrders',
    writes: true,
    run: (sql) => insertOrders(sql, placed, { epoch, keysFilled, fresh }),
    learn: (answer) => void (memory.epoch = BigInt((answer as { epoch: string }).epoch)),
  }
}

/** Whether the index of old orders is left out. Both ways mean the same here: all orders have their keys in the table. */
const someFilled = ({ random }: Memory): boolean => random.chance(0.7)

const keysFree = (memory: Memory): Call => {
  const found = some(memory.random, 3, () => someKey(memory)).map((key) => [keyText(key), key] as const)
  const [keys, keysFilled] = [[...new Map(found).values()], someFilled(memory)]
  return { name: 'areKeysFree', writes: true, run: (sql) => areKeysFree(sql, keys, keysFilled) }
}

const byKey = (memory: Memory): Call => {
  const keys = some(memory.random, 3, () => someTerms(memory))
  const keysFilled = someFilled(memory)
  return { name: 'readByKey', writes: false, run: (sql) => readByKey(sql, keys, keysFilled) }
}

const keyHolders = (memory: Memory): Call => {
  const orders = some(memory.random, 3, () => ({ id: someId(memory), ...someTerms(memory) }))
  const keysFilled = someFilled(memory)
  return { name: 'readKeyHolders', writes: false, run: (sql) => readKeyHolders(sql, orders, keysFilled) }
}

const voidKeys = (memory: Memory): Call => {
  const keys = some(memory.random, 6, () => someKey(memory))
  return { name: 'readVoidKeys', writes: false, run: (sql) => readVoidKeys(sql, keys) }
}

const rules = ({ random }: Memory): Call => {
  const read = random.pick([readEpoch, readKeysFilled])
  return { name: read.name, writes: false, run: (sql) => read(sql) }
}

const reading = (memory: Memory): Call => {
  const ids = some(memory.random, 4, () => someId(memory))
  return { name: 'readOrders', writes: false, run: (sql) => readOrders(sql, ids) }
}

/** Mostly cancels; each of them may come without an event. */
const moving = (memory: Memory): Call => {
  const { random } = memory
  const ids = [...new Set(some(random, 3, () => someId(memory)))]
  const moves = ids.map((orderId): Move => ({
    orderId,
    event: random.pick(['cancel', 'cancel', 'cancel', 'expire', 'reject'] as const),
    ...(random.chance(0.3) && { onlyFrom: ['NEW'] as const }),
    ...(random.chance(0.2) && { ifVersion: random.int(0, 2) }),
    reason: { code: random.pick(['USER_CANCELED', 'ANOTHER']), text: random.chance(0.5) ? 'for people' : null },
    cause: { kind: 'request', requestId: `request ${random.int(0, 9)}` },
    outbox: random.chance(0.9) ? { kind: 'CANCELLED', eventId: newId(memory), traceparent: null } : null,
  }))
  const now = someTime(memory)
  const skipLocked = moves.length > 1
  return { name: 'moveOrders', writes: true, run: (sql) => moveOrders(sql, moves, now, { skipLocked }) }
}

const legState = (memory: Memory): Call => {
  const { random, states } = memory
  const legs = new Map<string, { orderId: string; tradeId: string }>()
  for (const orderId of some(random, 3, () => someId(memory)))
    for (const tradeId of ['t1', 't2', 't3', 't4']) legs.set(`${orderId} ${tradeId}`, { orderId, tradeId })
  const read = ++memory.count
  return {
    name: 'readLegState',
    writes: false,
    async run(sql, own) {
      const state = await readLegState(sql, [...legs.values()])
      own.stamps.set(read, state.stamps)
      return { ...state, stamps: null }
    },
    learn: (state) => void states.push({ read, state: state as LegState }),
  }
}

const filling = (memory: Memory): Call => {
  const { random, states } = memory
  if (states.length === 0) return legState(memory)
  const { read, state } = random.chance(0.7) ? states.at(-1)! : random.pick(states.slice(-3))
  const { moves, ...rows } = decide(memory, state)
  const ended = moves.filter(({ after }) => after.status === 'CANCELED' && random.chance(0.5))
  const retold = new Map(ended.map(({ after }) => [after.id, newId(memory)]))
  return {
    name: 'writeFills',
    writes: true,
    run(sql, { stamps }) {
      const stampOf = ({ id }: { id: string }) => stamps.get(read)!.get(id)!
      return writeFills(sql, {
        ...rows,
        moves: moves.map(({ after }) => ({ after, stamp: stampOf(after), retoldAs: retold.get(after.id) ?? null })),
      })
    },
  }
}

const someShards = (random: Random): number[] =>
  random.chance(0.6)
    ? Array.from({ length: shardCount }, (_, shard) => shard)
    : some(random, 8, () => random.int(0, 15))

const someFloor = ({ random, events }: Memory): bigint =>
  random.chance(0.7) || events.length === 0 ? 0n : random.pick(events).position

const outbox = (memory: Memory): Call => {
  const { random, replicas, events } = memory
  const query = {
    replicaId: random.pick(replicas),
    floor: someFloor(memory),
    shards: someShards(random),
    except: random.chance(0.3) ? [random.pick(tickers)] : [],
    only: random.chance(0.3) ? some(random, 3, () => random.pick(tickers)) : null,
    limit: random.int(1, 20),
  }
  return {
    name: 'readOutbox',
    writes: false,
    ordered: true,
    // Each side reads by its own clock.
    run: async (sql) =>
      (await readOutbox(sql, query)).map((event) => ({
        ...event,
        occurredAt: unlessNow(event.occurredAt),
        readAt: null,
        waitedMs: null,
      })),
    learn: (found) =>
      void events.push(...(found as EventPlace[]).map(({ position, eventId }) => ({ position, eventId }))),
  }
}

/** Some that are there, some that are not, and some that have the position of another one. */
const deleting = (memory: Memory): Call => {
  const { random, events } = memory
  const recent = events.slice(-20)
  const choice = some(random, 5, (): EventPlace => {
    if (recent.length === 0) return { position: 1n, eventId: newId(memory) }
    const { position, eventId } = random.pick(recent)
    return { position, eventId: random.chance(0.8) ? eventId : random.pick(recent).eventId }
  })
  const distinct = [...new Map(choice.map((event) => [event.position, event])).values()]
  const remove = random.pick([deleteEvents, deleteFreeEvents])
  return { name: remove.name, writes: true, run: (sql) => remove(sql, distinct) }
}

const renewing = ({ random, replicas }: Memory): Call => {
  const replicaId = random.pick(replicas)
  const release = random.chance(0.3) ? [random.int(0, 15), random.int(0, 15)] : []
  const setAside = random.chance(0.3) ? [{ ticker: random.pick(tickers), shard: random.int(0, 15) }] : []
  return {
    name: 'renewLeases',
    writes: true,
    ordered: true,
    run: (sql) => renewLeases(sql, { replicaId, version: 'test', ttlMs: leaseTtlMs, release, setAside }),
  }
}

const releasing = ({ random, replicas }: Memory): Call => {
  const replicaId = random.pick(replicas)
  return { name: 'releaseLeases', writes: true, run: (sql) => releaseLeases(sql, replicaId) }
}

const marking = (): Call => ({
  name: 'mark',
  writes: false,
  async run(sql, own) {
    const last = await readLastPosition(sql)
    own.xid = await drawTransactionId(sql)
    return last
  },
})

const settling = (memory: Memory): Call => {
  const { random } = memory
  const query = {
    floor: someFloor(memory),
    except: random.chance(0.3) ? [random.pick(tickers)] : [],
    shards: someShards(random),
  }
  return {
    name: 'readSettled',
    writes: false,
    async run(sql, own) {
      const { oldestXid, lowest } = await readSettled(sql, query)
      return { settled: oldestXid >= own.xid, lowest }
    },
  }
}

const backlog = (memory: Memory): Call => {
  const { random } = memory
  const floor = someFloor(memory)
  // Ages are left out: nothing is older than an hour, and what is set aside is older than nothing.
  const bound = { rowsMax: random.int(1, 50), ageMaxMs: random.chance(0.5) ? 3_600_000 : -3_600_000 }
  return {
    name: 'readBacklog',
    writes: false,
    async run(sql) {
      const { rows, overdue } = await readBacklog(sql, bound, floor)
      return { rows, overdue }
    },
  }
}

/** The share of each call, of 58. */
const shares: readonly [(memory: Memory) => Call, number][] = [
  [placing, 2],
  [keyHolders, 1],
  [keysFree, 1],
  [byKey, 1],
  [voidKeys, 1],
  [rules, 1],
  [reading, 1],
  [moving, 2],
  [legState, 2],
  [filling, 4],
  [outbox, 2],
  [deleting, 4],
  [renewing, 2],
  [releasing, 1],
  [marking, 1],
  [settling, 2],
  [backlog, 1],
  [following, 5],
  [stopping, 4],
  [ending, 5],
  [reports, 5],
  [many, 10],
]
const kinds = shares.flatMap(([kind, share]) => Array.from({ length: share }, () => kind))

export const nextCall = (memory: Memory): Call => memory.random.pick(kinds)(memory)
