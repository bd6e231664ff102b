// Proves: whoever is far behind gets through. Where one transaction wrote more than a read takes, the log is paged by position, and no
// page looks at more than lies near it, whatever waits behind: nothing is missing, and no version comes before its predecessor.

import { afterEach, beforeEach, expect, test } from 'bun:test'
import { readHead, type Place } from '../../src/store/log.ts'
import { placeAtHead, readChunk, type Chunk } from '../../src/tail/chunk.ts'
import { createExplainer } from '../support/explain.ts'
import { becomeCopy } from '../support/logicalCopy.ts'
import { createTailWorld } from './world.ts'

let world: Awaited<ReturnType<typeof createTailWorld>>
beforeEach(async () => {
  world = await createTailWorld()
})
afterEach(() => world.stop())

const rowsMax = 10
/** Rows of the backlog of a test, in transactions of 20. */
const backlog = 2_000
/** What a read may look at: the transaction that cannot be cut, ten reads on from there, and as much of what is in no order. */
const looksMax = 300

const insertText = (count: number): string => `
  insert into orders (rules_epoch, id, user_id, ticker, side, type, time_in_force, quantity, price, created_at, updated_at)
  select 1, gen_random_uuid(), gen_random_uuid(), 'BULK', 'BUY', 'LIMIT', 'GTC', 100, 1, now(), now() from generate_series(1, ${count})`

const insertMany = (count: number) => world.sql.unsafe(insertText(count))

/** A backlog of transactions, of which each is more than one read. */
const insertBacklog = () =>
  world.sql.unsafe(`do $$ begin for i in 1..${backlog / 20} loop ${insertText(20)}; commit; end loop; end $$`)

const namesOf = ({ rows }: Chunk): string[] => rows.map(({ history: { order } }) => `${order.id}.${order.version}`)

const headPlace = async (): Promise<Place> => placeAtHead(await world.database.open({ plans: 'log' }).run(readHead))!

/** Everything after a place, and how many rows of the log the statement looked at that looked at most of them. */
const readOn = async (from: Place) => {
  const explainer = await createExplainer(world.database, 'log')
  const db = { run: explainer.run, close: () => Promise.resolve() }
  const chunks: Chunk[] = []
  for (let place = from; ; place = chunks.at(-1)!.end) {
    const chunk = await readChunk(db, place, { filter: {}, rowsMax, looksMax: rowsMax })
    if (chunk.kind !== 'chunk') throw new Error(chunk.kind)
    chunks.push(chunk)
    if (chunk.complete) break
  }
  const looks = (await explainer.plans()).map(({ rowsScanned }) =>
    ['orders', 'ingested_fills', 'order_changes'].reduce((sum, table) => sum + rowsScanned(table), 0),
  )
  return { seen: chunks.flatMap(namesOf), chunks, looks: Math.max(...looks) }
}

const expectWhole = async (seen: readonly string[], after: bigint): Promise<void> => {
  expect(seen.toSorted()).toEqual((await world.logged(after)).toSorted())
  const positions = new Map(seen.map((name, i) => [name, i]))
  const early = seen.filter((name) => {
    const [id, version] = name.split('.')
    const before = positions.get(`${id}.${Number(version) - 1}`)
    return before !== undefined && before > positions.get(name)!
  })
  expect(early).toEqual([])
}

test('a large transaction does not make each page sort what waits behind it', async () => {
  const [start, before] = [await headPlace(), await world.position()]
  await insertMany(50)
  await insertBacklog()
  const { seen, chunks, looks } = await readOn(start)
  await expectWhole(seen, before)
  expect(Math.max(...chunks.map(({ rows }) => rows.length))).toBeLessThanOrEqual(rowsMax)
  expect(looks).toBeLessThanOrEqual(looksMax)
})

test('one that began long ago and follows orders of the end comes after them, and holds up nothing', async () => {
  const [start, before] = [await headPlace(), await world.position()]
  const long = world.database.session()
  await long`begin`
  // An id, and rows, from before everything else: the place that the first read leaves has it among those that run.
  const own = crypto.randomUUID()
  await long.unsafe(insertText(1).replace('gen_random_uuid()', `'${own}'`))
  await long.unsafe(insertText(40))
  await insertMany(50)
  const first = await readOn(start)
  await insertBacklog()
  const last = await world.place({}, {})
  for (const { id } of last)
    await long`update orders set status = 'CANCELED', version = version + 1, updated_at = clock_timestamp() where id = ${id}`
  await long`commit`
  // It is of an order of that transaction, so it has to wait for it too, and is one more that cannot come yet.
  await world.cancel(own)
  await insertMany(30)
  const rest = await readOn(first.chunks.at(-1)!.end)
  await expectWhole([...first.seen, ...rest.seen], before)
  for (const { id } of last) expect(rest.seen.indexOf(`${id}.1`)).toBeGreaterThan(rest.seen.indexOf(`${id}.0`))
  expect(rest.seen.indexOf(`${own}.1`)).toBeGreaterThan(rest.seen.indexOf(`${own}.0`))
  expect(rest.looks).toBeLessThanOrEqual(looksMax)
})

test('one of more rows than the pages that are looked for is one page after the other', async () => {
  const [start, before] = [await headPlace(), await world.position()]
  await insertMany(150)
  await world.place({})
  await insertBacklog()
  const { seen, looks } = await readOn(start)
  await expectWhole(seen, before)
  expect(looks).toBeLessThanOrEqual(looksMax)
})

test('changes of orders that were copied from another cluster wait for nobody', async () => {
  const orders = await world.place(...Array.from({ length: 40 }, () => ({})))
  await becomeCopy(world.sql)
  const { tail } = world.startTail()
  await tail.page({}, null, 10)
  const [start, before] = [await headPlace(), await world.position()]
  for (const { id } of orders) await world.cancel(id)
  const { seen, chunks } = await readOn(start)
  await expectWhole(seen, before)
  expect(chunks.every(({ end }) => end.page === null)).toBe(true)
})
