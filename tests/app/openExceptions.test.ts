// Proves: open exceptions are counted, resolved ones are not, and of many only the newest are looked at.

import { afterAll, beforeAll, expect, test } from 'bun:test'
import { createOpenExceptions } from '../../src/app/openExceptions.ts'
import { tradeExceptions } from '../../src/store/exceptions.ts'
import type { Database } from '../../src/store/sql.ts'
import { bodyOf, openHarness, type Harness } from '../http/harness.ts'
import { until } from '../support/until.ts'

let harness: Harness
let db: Database
beforeAll(async () => {
  harness = await openHarness()
  db = harness.database.open()
})
afterAll(() => harness.close())

test('they are counted until somebody resolves them', async () => {
  const { id } = await harness.place({ quantity: 1 })
  for (const quantity of [2n, 3n, 4n])
    await harness.trade({
      tradeId: `o-${quantity}`,
      quantity: quantity * 100_000_000n,
      sides: [{ side: 'BUY', orderId: id }],
    })
  const count = (max: number) => db.run((sql) => tradeExceptions.countOpen(sql, max))
  expect([await count(100), await count(2)]).toEqual([3, 2])

  const [newest] = bodyOf(await harness.call('GET', '/exceptions'))['exceptions'] as { id: string }[]
  await harness.call('POST', `/exceptions/${newest!.id}/resolve`, { body: { resolvedBy: 'ops', note: 'done' } })
  expect([await count(100), await count(2), await count(1)]).toEqual([2, 1, 0])

  const stopping = new AbortController()
  const open = createOpenExceptions(db, tradeExceptions.countOpen)
  const running = open.run(stopping.signal)
  await until(() => open.count() === 2, { what: 'they are counted' })
  stopping.abort()
  await running
})
