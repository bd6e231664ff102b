// Proves: an idle service asks Postgres little, so that nothing creeps back that it did not need.

import { expect, test } from '../support/explained.ts'
import { until } from '../support/until.ts'
import { createWorld } from '../support/world.ts'

const countedMs = 5_000
const perSecondMax = 6

test('a replica that is alone comes to rest at no more than six statements a second', async () => {
  await using world = await createWorld()
  await world.start()
  const { sql } = world
  /** By the statistics of the server: each statement is a transaction. */
  const transactions = async (): Promise<number> => {
    const [row] = await sql<{ count: string }[]>`
      select xact_commit + xact_rollback as count from pg_stat_database where datname = current_database()`
    return Number(row!.count)
  }
  // Transactions of other tests on the same server keep it from its rest for a while.
  const perSecond = await until(
    async () => {
      const [first, startedAt] = [await transactions(), performance.now()]
      await Bun.sleep(countedMs)
      const rate = ((await transactions()) - first) / ((performance.now() - startedAt) / 1000)
      if (rate > perSecondMax) throw new Error(`${rate.toFixed(1)} a second`)
      return rate
    },
    { what: 'it asks little' },
  )
  expect(perSecond).toBeGreaterThan(2)
})
