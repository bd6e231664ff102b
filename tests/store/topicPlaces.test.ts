// Proves: a kept place of a topic only rises, whoever writes it last; that of a topic made anew under the same name replaces it.

import { afterAll, beforeEach, expect, test } from 'bun:test'
import { keepTopicPlaces, readTopicPlaces } from '../../src/store/topicPlaces.ts'
import { createDatabase } from '../support/database.ts'

const database = await createDatabase()
const db = database.open()
afterAll(() => database[Symbol.asyncDispose]())
beforeEach(async () => {
  await database.sql`delete from topic_places`
})

const keep = (topic: string, ...places: [partition: number, topicId: string, next: bigint][]) =>
  db.run((sql) =>
    keepTopicPlaces(sql, { topic, places: places.map(([partition, topicId, next]) => ({ partition, topicId, next })) }),
  )
const read = async (topic: string) =>
  (await db.run((sql) => readTopicPlaces(sql, topic))).map(({ partition, topicId, next }) => [partition, topicId, next])

test('places of each topic are kept by partition, however large', async () => {
  await keep('trades', [3, 'one', 2n ** 62n], [0, 'one', 0n])
  await keep('reports', [0, 'two', 7n])
  expect(await read('trades')).toEqual([
    [0, 'one', 0n],
    [3, 'one', 2n ** 62n],
  ])
  expect(await read('reports')).toEqual([[0, 'two', 7n]])
  expect(await read('none')).toEqual([])
})

test('a lower place of the same topic changes nothing, a higher one replaces it', async () => {
  await keep('trades', [0, 'one', 5n], [1, 'one', 5n])
  await keep('trades', [0, 'one', 4n], [1, 'one', 6n])
  expect(await read('trades')).toEqual([
    [0, 'one', 5n],
    [1, 'one', 6n],
  ])
})

test('a place of a topic that was made anew replaces the old one, though it is lower', async () => {
  await keep('trades', [0, 'one', 5n])
  await keep('trades', [0, 'two', 1n])
  expect(await read('trades')).toEqual([[0, 'two', 1n]])
})
