// Proves: an idle service asks Postgres little, so that nothing creeps back that it did not need.

import { expect, test } from '../support/explained.ts'
import { until } from '../support/until.ts'
import { createWorld } from '../support/world.ts'

/** By the statistics of the server: each statement is a transaction. */
const countedMs = 10_000

test('an idle replica that is alone sends at most twelve statements a second', async () => {
  await using world = await createWorld()
  await world.start()
  const { sql } = world
  const transactions = async (): Promise<number> => {
    const [row] = await sql<{ count: string }[]>`
      select xact_commit + xact_rollback as count from pg_stat_database where datname = current_database()`
    return Number(row!.count)
  }
  // The start is over once a second has few of them.
  let before = await transactions()
  await until(
    async () => {
      await Bun.sleep(1_000)
      const now = await transactions()
      const few = now - before < 20
      before = now
      return few
    },
    { what: 'the service is idle' },
  )
  const startedAt = performance.now()
  const first = await transactions()
  await Bun.sleep(countedMs)
  const perSecond = ((await transactions()) - first) / ((performance.now() - startedAt) / 1000)
  expect(perSecond).toBeGreaterThan(2)
  expect(perSecond).toBeLessThan(12)
})
