// Proves: what a session of FIX stores and reads by number is planned once a connection, and goes by key whatever the tables held then.

import { expect, test } from 'bun:test'
import { cancelFixOrders, insertFixOrders, readFixOutcome } from '../../src/store/fixOrders.ts'
import { readDueMessages, readSent } from '../../src/store/fixSent.ts'
import { takeFixSession } from '../../src/store/fixSessions.ts'
import { readEpoch } from '../../src/store/gate.ts'
import type { Sql } from '../../src/store/sql.ts'
import { anEvent, aPlacementOf, someTerms } from '../support/builders.ts'
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

test('a cancel reads the orders that it means alone, also where it may pass them by', async () => {
  await using database = await createDatabase()
  const { sql } = database
  const { epoch } = (await takeFixSession(sql, { session, replicaId: crypto.randomUUID(), ttlMs: 60_000 }))!
  const placed = await sql<{ id: string; user_id: string }[]>`
    insert into orders (rules_epoch, id, user_id, ticker, side, type, time_in_force, quantity, price, created_at, updated_at)
    select 1, gen_random_uuid(), gen_random_uuid(), 'T' || n % 100, 'BUY', 'LIMIT', 'GTC', 1, 1, now(), now()
    from generate_series(1, ${stored}::integer) n
    returning id, user_id`
  await sql`analyze orders`
  const explainer = await createExplainer(database, 'sets')
  for (const [i, passed] of (['none', 'some', 'all'] as const).entries()) {
    const own = placed.slice(i * count, (i + 1) * count)
    const ids = own.map(({ id }) => id)
    const requests = own.map(({ id, user_id: userId }, n) => ({
      message: { session, epoch, number: i * count + n + 1, request: '{}' },
      key: { userId, clientOrderId: 'f' },
      target: { orderId: id },
      heldBack: null,
      reason: { code: 'USER_CANCELED', text: null },
      cause: { kind: 'fix', session } as const,
      event: anEvent(),
    }))
    const skipLocked = { none: [], some: ids.slice(0, 1), all: 'all' as const }[passed]
    const canceling = explainer.run((own) =>
      cancelFixOrders(own, requests, { now: new Date(), keysFilled: true, skipLocked }),
    )
    expect({ passed, canceled: (await canceling).stored.size }).toEqual({ passed, canceled: count })
    const [plan] = await explainer.plans()
    expect({ passed, few: plan!.rowsScanned('orders') <= 5 * count }).toEqual({ passed, few: true })
  }
})
