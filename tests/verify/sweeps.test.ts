// Proves: verify names every open order that a done sweep should have canceled, and no other; and a sequence that gives no new sweep its id.

import { expect, test } from 'bun:test'
import { aPlacement } from '../support/builders.ts'
import { createDatabase } from '../support/database.ts'
import { placeAll } from '../support/storeOrders.ts'
import { verify } from './verified.ts'

test('an open order that a done sweep saw is named, whatever its scope; others are not', async () => {
  await using database = await createDatabase()
  const { sql } = database
  const [userId, other] = [crypto.randomUUID(), crypto.randomUUID()]
  const place = async (...terms: Parameters<typeof aPlacement>[0][]) => {
    const placements = terms.map((some) => aPlacement(some))
    await placeAll(database.open(), placements, () => undefined)
    return placements.map(({ order }) => order.id)
  }
  const begin = async (columns: Record<string, string>) => {
    const row = { reason_code: 'HALT', cause: { kind: 'halt' }, ...columns }
    const [sweep] = await sql<{ id: string }[]>`insert into cancel_sweeps ${sql(row as never)} returning id`
    return sweep!.id
  }
  const [mine, theirs] = await place({ userId }, { userId: other, ticker: 'MSFT', side: 'SELL' })
  const sweeps = {
    user: await begin({ user_id: userId }),
    ticker: await begin({ ticker: 'MSFT' }),
    side: await begin({ ticker: 'MSFT', side: 'BUY' }),
    both: await begin({ user_id: userId, ticker: 'MSFT' }),
    all: await begin({}),
  }
  await place({ userId }, { ticker: 'MSFT' })
  expect((await verify(database)).violations).toEqual([])

  await sql`update cancel_sweeps set done_at = now()`
  const left = (id: string, order: string) => ({
    subject: 'sweep',
    id,
    rule: `order ${order}`,
    expected: 'closed',
    found: 'open',
  })
  const expected = [
    left(sweeps.user, mine!),
    left(sweeps.ticker, theirs!),
    left(sweeps.all, mine!),
    left(sweeps.all, theirs!),
  ]
  expect(
    (await verify(database)).violations.toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)),
  ).toEqual(expected.toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)) as never)
})

test('a sequence that stands below the sweeps is named', async () => {
  await using database = await createDatabase()
  const { sql } = database
  await sql`insert into cancel_sweeps (reason_code, cause) select 'HALT', '{"kind": "halt"}' from generate_series(1, 3)`
  expect((await verify(database)).violations).toEqual([])
  await sql`alter sequence cancel_sweeps_id_seq restart`
  expect((await verify(database)).violations).toEqual([
    { subject: 'guard', id: 'cancel_sweeps_id_seq', rule: 'value of the sequence', expected: 'at least 3', found: '0' },
  ])
})
