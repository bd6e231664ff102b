// Proves: verify names every order that lacks the row of its key, and every row of a key that lacks its order, and nothing else.

import { expect, test } from 'bun:test'
import { insertVoids } from '../../src/store/keys.ts'
import { firstKey, keyJudge, verifyKeysPage } from '../../src/verify/keysSql.ts'
import { endOfPage, highestId, judgePage, lowestId } from '../../src/verify/page.ts'
import { aPlacement, newId } from '../support/builders.ts'
import { createDatabase, type TestDatabase } from '../support/database.ts'
import { corrupt } from '../support/seed.ts'
import { placeAll } from '../support/storeOrders.ts'
import { verify } from './verified.ts'

const userId = crypto.randomUUID()

/** Seven orders with keys, one without, one void. Answers the ids of those with keys, by their keys. */
const someKeys = async (database: TestDatabase) => {
  const keyed = ['a', 'b', 'c', 'd', 'e', 'f', 'g'].map((clientOrderId) => aPlacement({ userId, clientOrderId }))
  await placeAll(database.open(), [...keyed, aPlacement({ userId })])
  await insertVoids(
    database.sql,
    [{ key: { userId, clientOrderId: 'v' }, at: new Date(), requestId: null, subject: null }],
    true,
  )
  return Object.fromEntries(keyed.map(({ order }) => [order.clientOrderId!, order.id]))
}

test('orders, their keys and voids are clean', async () => {
  await using database = await createDatabase()
  await someKeys(database)
  expect(await verify(database)).toMatchObject({ orders: 8, violations: [], notes: [] })
})

test('each kind of disagreement is named, with what is expected and what is there', async () => {
  await using database = await createDatabase()
  const ids = await someKeys(database)
  const nobody = newId()
  await corrupt(
    database.sql,
    `delete from order_keys where client_order_id = 'a';
     update order_keys set order_id = null, voided_at = now() where client_order_id = 'b';
     update order_keys set order_id = '${nobody}' where client_order_id = 'c';
     update order_keys set order_id = '${ids['e']!}' where client_order_id = 'd'`,
  )
  const { violations, notes } = await verify(database)
  expect(notes).toEqual([])
  const row = 'row of its key'
  expect(violations.toSorted((a, b) => a.id.localeCompare(b.id))).toEqual(
    [
      { subject: 'order', id: ids['a']!, rule: row, expected: ids['a']!, found: null },
      { subject: 'order', id: ids['b']!, rule: row, expected: ids['b']!, found: 'void' },
      { subject: 'order', id: ids['c']!, rule: row, expected: ids['c']!, found: nobody },
      { subject: 'order', id: ids['d']!, rule: row, expected: ids['d']!, found: ids['e']! },
      { subject: 'key', id: `${userId} c`, rule: 'order', expected: `${nobody}, with this key`, found: null },
      {
        subject: 'key',
        id: `${userId} d`,
        rule: 'order',
        expected: `${ids['e']!}, with this key`,
        found: `${userId} e`,
      },
    ].toSorted((a, b) => a.id.localeCompare(b.id)),
  )
})

test('while old keys are being filled in, an order without its row is no fault, a row without its order is', async () => {
  await using database = await createDatabase()
  const ids = await someKeys(database)
  await corrupt(
    database.sql,
    `update order_keys_fill set finished_at = null;
     create unique index orders_by_client_order_id on orders (user_id, client_order_id) where client_order_id is not null;
     delete from order_keys where client_order_id = 'a';
     update order_keys set order_id = '${ids['e']!}' where client_order_id = 'd'`,
  )
  const { violations, notes } = await verify(database)
  expect(violations).toMatchObject([{ subject: 'key', id: `${userId} d` }])
  expect(notes).toEqual([expect.stringContaining('still being filled in')])
})

test('pages of any size say the same', async () => {
  await using database = await createDatabase()
  const ids = await someKeys(database)
  await corrupt(database.sql, `update order_keys set order_id = '${ids['g']!}' where client_order_id in ('a', 'f')`)
  for (const limit of [1, 2, 3, 8, 100]) {
    const found: string[] = []
    for (let after = lowestId; after !== highestId;) {
      const last = await endOfPage(database.sql, { after, last: highestId }, limit)
      const page = await judgePage(database.sql, { after, last }, [keyJudge(database.sql)])
      expect(page.orders).toBeLessThanOrEqual(limit)
      found.push(...page.violations.map(({ id }) => id))
      after = last
    }
    let keys = 0
    for (let after: typeof firstKey | null = firstKey; after !== null;) {
      const page: Awaited<ReturnType<typeof verifyKeysPage>> = await verifyKeysPage(database.sql, { after, limit })
      found.push(...page.violations.map(({ id }) => id))
      keys += page.keys
      after = page.next
    }
    expect(keys).toBe(8)
    expect(found).toEqual([ids['a']!, ids['f']!, `${userId} a`, `${userId} f`])
  }
})
