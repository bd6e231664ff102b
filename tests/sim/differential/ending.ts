// Calls of what ends orders by the clock: what is due, told, acknowledged, settled; and the marks of the trade topic. All that is due was so
// long ago, or is not for years, so that both clocks agree.

import {
  addDueEndings,
  addEndings,
  addImmediateEndings,
  deleteEndings,
  noteAcknowledged,
  readEndingsBacklog,
  readEndingsWork,
  readExpiringStops,
  readSettledEndings,
  tellEndings,
  type EndingsBacklog,
} from '../../../src/store/endings.ts'
import { readPending } from '../../../src/store/pending.ts'
import type { Sql } from '../../../src/store/sql.ts'
import { raiseTapeMarks, readTapeNeed } from '../../../src/store/tapeMarks.ts'
import type { Call } from './calls.ts'
import { newId, some, someId, someTime, type Memory } from './memory.ts'

const limit = 500
const topic = 'trade.executed.v1'
const partitions = 2

/** Without the times, which each side has of its own clock. */
const withoutNow = (rows: readonly { now: Date }[]): object[] => rows.map((row) => ({ ...row, now: null }))

const ages = (backlog: EndingsBacklog): object =>
  Object.fromEntries(Object.entries(backlog).map(([stage, { orders }]) => [stage, orders]))

const plain = (name: string, writes: boolean, run: (sql: Sql) => Promise<unknown>): Call => ({ name, writes, run })

const adding = (memory: Memory): Call => {
  const { random } = memory
  const ids = [...new Set(some(random, 3, () => someId(memory)))]
  const ending = random.pick([
    { outcome: 'EXPIRED', reasonCode: 'EXPIRED_GTC' },
    { outcome: 'CANCELED', reasonCode: 'REMAINDER' },
  ] as const)
  return plain('addEndings', true, (sql) => addEndings(sql, ids, ending))
}

const telling = (memory: Memory): Call => {
  const eventIds = Array.from({ length: 20 }, () => newId(memory))
  return plain('tellEndings', true, (sql) => tellEndings(sql, eventIds))
}

const raising = ({ random }: Memory): Call => {
  const years = () => random.pick(['1999', '2050', '2099', '2101'])
  const count = random.int(1, partitions)
  const marked = Array.from({ length: count }, (_, partition) => partition).filter(() => random.chance(0.7))
  const marks = marked.map((partition) => ({ partition, readUntil: new Date(`${years()}-01-01T00:00:00Z`) }))
  const goneUntil = random.chance(0.5) ? new Date(`${years()}-01-01T00:00:00Z`) : null
  return plain('raiseTapeMarks', true, (sql) => raiseTapeMarks(sql, { topic, partitions: count, goneUntil, marks }))
}

/** The next moment is told apart from none; each side has its own clock. */
const pending = ({ random }: Memory): Call => {
  const endsImmediate = random.chance(0.5)
  return plain('readPending', false, async (sql) => {
    const { nextMs, ...waits } = await readPending(sql, { endsImmediate })
    return { ...waits, isNext: nextMs !== null }
  })
}

const settled = ({ random }: Memory): Call => {
  const settleMs = random.pick([0, 2_000, 30 * 366 * 86_400_000])
  return plain('readSettledEndings', true, async (sql) =>
    withoutNow(await readSettledEndings(sql, { topic, settleMs, limit })),
  )
}

const forgetting = (memory: Memory): Call => {
  const ids = [...new Set(some(memory.random, 6, () => someId(memory)))]
  return plain('deleteEndings', true, (sql) => deleteEndings(sql, ids))
}

const immediate = ({ random }: Memory): Call => {
  const graceMs = random.pick([0, 0, 3_600_000])
  return plain('addImmediateEndings', true, (sql) => addImmediateEndings(sql, { graceMs, limit }))
}

/** The time is written otherwise by each side. */
const due = (memory: Memory): Call => {
  const { random } = memory
  const after = random.pick([null, { expiresAt: someTime(memory).toISOString(), id: someId(memory) }])
  const batch = random.pick([2, limit])
  return plain('addDueEndings', true, async (sql) => {
    const { orders, last } = await addDueEndings(sql, { after, limit: batch })
    return { orders, last: last?.id ?? null }
  })
}

/** Some of them, in turn at random. */
export const ending = (memory: Memory): Call =>
  memory.random.pick([
    adding,
    adding,
    telling,
    telling,
    telling,
    raising,
    settled,
    forgetting,
    immediate,
    due,
    () => plain('readExpiringStops', true, async (sql) => withoutNow(await readExpiringStops(sql, limit))),
    () => plain('noteAcknowledged', true, (sql) => noteAcknowledged(sql, limit)),
    () => plain('readEndingsWork', false, readEndingsWork),
    pending,
    () => plain('readEndingsBacklog', false, async (sql) => ages(await readEndingsBacklog(sql))),
    () => plain('readTapeNeed', false, async (sql) => (await readTapeNeed(sql)) !== null),
  ])(memory)
