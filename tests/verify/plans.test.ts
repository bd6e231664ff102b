// Proves: a page of orders is joined as sets, also where Postgres believes that there is one row on it.

import { expect, test } from 'bun:test'
import { openSession } from '../../src/store/sql.ts'
import { ordersPageMax, verifyTables } from '../../src/verify/tables.ts'
import { beReader } from '../../src/verify/tablesSql.ts'
import { createDatabase } from '../support/database.ts'
import { nodesOf, pairsDroppedBy, type PlanNode } from '../support/explain.ts'
import { seedOrders } from '../support/seed.ts'

const orders = 2.5 * ordersPageMax

test('pages within one bucket of the histogram compare no pairs in vain', async () => {
  await using database = await createDatabase()
  await seedOrders(database.session(), orders)
  // One bucket, as wide as the table: of ten million orders each of the usual hundred is as wide as ten pages.
  for (const column of ['orders alter id', 'ingested_fills alter order_id', 'order_changes alter order_id'])
    await database.sql.unsafe(`alter table ${column} set statistics 1`)
  await database.sql.unsafe('analyze orders, ingested_fills, order_changes')
  const plans: PlanNode[] = []
  const sql = openSession(database.target, 10_000, (notice) => {
    const json = /plan:\s*(\{[^]*)/.exec(notice)?.[1]
    if (json !== undefined) plans.push((JSON.parse(json) as { Plan: PlanNode }).Plan)
  })
  try {
    await beReader(sql)
    await sql`load 'auto_explain'`
    await sql`
      select set_config('auto_explain.log_min_duration', '0', false), set_config('auto_explain.log_analyze', 'on', false),
             set_config('auto_explain.log_format', 'json', false), set_config('auto_explain.log_level', 'notice', false)`
    const reporter = { onViolations: async () => undefined, onNote: async () => undefined, onProgress: () => undefined }
    expect((await verifyTables(sql, reporter)).orders).toBe(orders)
    const pages = plans.map(nodesOf).filter((nodes) => nodes.some((node) => node['Relation Name'] === 'order_changes'))
    expect(pages.length).toBeGreaterThanOrEqual(3)
    expect(Math.max(...pages.map(pairsDroppedBy))).toBeLessThan(10 * ordersPageMax)
  } finally {
    await sql.end({ timeout: 1 })
  }
})
