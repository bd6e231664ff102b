// Proves: what a session of FIX stores and reads by number is planned once a connection, and goes by key whatever the tables held then.

import { expect, test } from 'bun:test'
import { insertFixOrders, readFixOutcome } from '../../src/store/fixOrders.ts'
import { readDueMessages, readSent } from '../../src/store/fixSent.ts'
import { takeFixSession } from '../../src/store/fixSessions.ts'
import { readEpoch } from '../../src/store/gate.ts'
import type { Sql } from '../../src/store/sql.ts'
import { aPlacementOf, someTerms } from '../support/builders.ts'
import { createDatabase } from '../support/database.ts'
import { createExplainer } from '../support/explain.ts'

const count = 50
const stored = 20_000
const session = 'FIRM->ORDERS'

test('each statement reads no more than it was asked for', async () => {
  await using database = await createDatabase()
  const { sql } = database
  const { epoch } = (await takeFixSession(sql, { session, replicaId: crypto.randomUUID(), ttlMs: 60_000 }))!
  const explainer = await createExplainer(database, 'keys')
  const rules = await readEpoch(sql)
  let next = 1
  const messages = () =>
    Array.from({ length: count }, () => ({ session, epoch, number: next++, request: JSON.stringify({ text: 'x' }) }))
  const place = (sql: Sql, fresh = false) =>
    insertFixOrders(
      sql,
      messages().map((message) => ({
        ...aPlacementOf(someTerms({ clientOrderId: crypto.randomUUID() })),
        message,
        heldBack: null,
      })),
      { epoch: rules, keysFilled: true, fresh },
    )
  const statements: Record<string, (sql: Sql) => Promise<unknown>> = {
    place: (sql) => place(sql),
    'place, for the first time': (sql) => place(sql, true),
    outcome: (sql) => readFixOutcome(sql, messages()),
    dues: (sql) => readDueMessages(sql, session, count),
    sent: (sql) => readSent(sql, { session, from: 100, to: 10_000, limit: count }),
  }
  // Planned while the tables are empty. The order of the calls is that of the numbers.
  for (const run of Object.values(statements)) await explainer.run(run)
  await explainer.plans()
  await sql`
    with placed as (
      insert into orders (rules_epoch, id, user_id, client_order_id, ticker, side, type, time_in_force, quantity, price, created_at, updated_at)
      select 1, gen_random_uuid(), gen_random_uuid(), 'key-' || n, 'T' || n % 100, 'BUY', 'LIMIT', 'GTC', 1, 1, now(), now()
      from generate_series(1, ${stored}::integer) n
      returning id, user_id, client_order_id
    ), keyed as (
      insert into order_keys (user_id, client_order_id, order_id) select user_id, client_order_id, id from placed
    )
    insert into fix_sent (session, series, number, order_id, version, at)
    select ${session}::text, 1, row_number() over (), id, 0, now() from placed`
  await sql`
    insert into fix_due (session, series, in_number, reason, request, at)
    select ${session}::text, 1, 1000000 + n, 'KNOWN_KEY', '{}', now() from generate_series(1, ${stored}::integer) n`
  await sql`insert into fix_sessions (id) select 'S' || n from generate_series(1, ${stored}::integer) n`
  // Two of the statements have moved the numbers of the session.
  next = 2 * count + 1
  for (const [name, run] of Object.entries(statements)) {
    await explainer.run(run)
    const [plan] = await explainer.plans()
    for (const table of ['orders', 'order_keys', 'fix_sent', 'fix_due', 'fix_sessions'])
      expect({ name, table, rows: plan!.rowsScanned(table) <= 2 * count }).toEqual({ name, table, rows: true })
    if (name === 'sent') expect(plan!.rowsScanned('fix_sent')).toBe(count)
  }
})
