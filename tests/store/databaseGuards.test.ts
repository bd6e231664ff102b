// Proves: the database guards itself (promise 7 of the design). Everything here goes past the service, by raw SQL as superuser.

import { describe, expect, test } from 'bun:test'
import { eventKinds } from '../../src/domain/events.ts'
import { statuses, transitions, type Status } from '../../src/domain/order.ts'
import { keyForm, tickerForm } from '../../src/domain/patterns.ts'
import { orderTypes, rulesOf, terms as termTable } from '../../src/domain/terms.ts'
import { codeOf } from '../../src/store/faults.ts'
import { newId } from '../support/builders.ts'
import { ownDatabase } from '../support/ownDatabase.ts'
import { failureOf } from '../support/waiting.ts'

const { database, sql } = await ownDatabase()

const checkViolation = '23514'
const refused = async (statement: PromiseLike<unknown>, code = checkViolation): Promise<void> => {
  expect(codeOf(await failureOf(statement))).toBe(code)
}

type Columns = Record<string, string | number | boolean | null>

/** Inserts a lawful order of 100 with these columns changed; returns its id. */
const insertOrder = async (changes: Columns = {}): Promise<string> => {
  const columns: Columns = {
    rules_epoch: '1',
    id: newId(),
    user_id: crypto.randomUUID(),
    ticker: 'AAPL',
    side: 'BUY',
    type: 'LIMIT',
    time_in_force: 'GTC',
    quantity: '100',
    price: '150.5',
    created_at: '2026-01-02T03:04:05Z',
    updated_at: '2026-01-02T03:04:05Z',
    ...changes,
  }
  await sql`insert into orders ${sql(columns)}`
  return String(columns['id'])
}

/** As a lawful fill would leave it, up to `filled`. */
const fill = (id: string, filled: number) => sql`
  update orders set version = version + 1, filled_quantity = ${filled}, last_fill_price = 150, filled_notional = ${filled * 150},
    status = case when status not in ('NEW', 'PARTIALLY_FILLED') then status
                  when quantity = ${filled}::numeric then 'FILLED' else 'PARTIALLY_FILLED' end
  where id = ${id}`

const setStatus = (id: string, status: Status) =>
  sql`update orders set status = ${status}, version = version + 1 where id = ${id}`

const orderWithStatus: Record<Status, () => Promise<string>> = {
  NEW: () => insertOrder(),
  PARTIALLY_FILLED: async () => {
    const id = await insertOrder()
    await fill(id, 40)
    return id
  },
  FILLED: async () => {
    const id = await insertOrder()
    await fill(id, 100)
    return id
  },
  CANCELED: async () => {
    const id = await insertOrder()
    await setStatus(id, 'CANCELED')
    return id
  },
  REJECTED: async () => {
    const id = await insertOrder()
    await setStatus(id, 'REJECTED')
    return id
  },
  EXPIRED: async () => {
    const id = await insertOrder()
    await setStatus(id, 'EXPIRED')
    return id
  },
}

const read = async (id: string) => {
  const [row] = await sql<{ status: Status; filled_quantity: string; version: number }[]>`
    select status, filled_quantity, version from orders where id = ${id}`
  return row!
}

describe('a status changes', () => {
  /** The columns that make `to` consistent in itself, so that nothing but the transition can be wrong. */
  const move = (id: string, to: Status) => {
    switch (to) {
      case 'PARTIALLY_FILLED':
        return sql`update orders set status = ${to}, version = version + 1, last_fill_price = 150,
          filled_quantity = greatest(filled_quantity, 50), filled_notional = greatest(filled_notional, 7500) where id = ${id}`
      case 'FILLED':
        return sql`update orders set status = ${to}, version = version + 1, last_fill_price = 150,
          filled_quantity = 100, filled_notional = 15000 where id = ${id}`
      case 'NEW':
      case 'CANCELED':
      case 'REJECTED':
      case 'EXPIRED':
        return setStatus(id, to)
    }
  }
  const lawful = (from: Status): Set<Status> => new Set<Status>(Object.values(transitions[from]))

  for (const from of statuses)
    for (const to of statuses.filter((status) => status !== from)) {
      const allowed = lawful(from).has(to)
      test(`${from} → ${to}: ${allowed ? 'allowed' : 'refused'}`, async () => {
        const id = await orderWithStatus[from]()
        if (allowed) await move(id, to)
        else await refused(move(id, to))
        expect((await read(id)).status).toBe(allowed ? to : from)
      })
    }

  for (const status of statuses)
    test(`${status} may stay as it is`, async () => {
      const id = await orderWithStatus[status]()
      const { version } = await read(id)
      await setStatus(id, status)
      expect(await read(id)).toMatchObject({ status, version: version + 1 })
    })

  test('the pairs above are all there are: 36', () => {
    expect(statuses.length ** 2).toBe(36)
  })

  test('not to a status that does not exist', async () => {
    const id = await insertOrder()
    await refused(sql`update orders set status = 'PENDING', version = 1 where id = ${id}`)
    await refused(sql`update orders set status = 'new', version = 1 where id = ${id}`)
  })
})

describe('a fill is lawful', () => {
  test('on an open order, again and again, up to its quantity', async () => {
    const id = await insertOrder()
    for (const filled of [1, 40, 99, 100]) await fill(id, filled)
    expect(await read(id)).toMatchObject({ status: 'FILLED', version: 4 })
  })

  test('on a canceled or expired one, which keeps its status: a late trade is a fact', async () => {
    for (const status of ['CANCELED', 'EXPIRED'] as const) {
      const id = await orderWithStatus[status]()
      await fill(id, 40)
      await fill(id, 100)
      expect(await read(id)).toMatchObject({ status, filled_quantity: '100.00000000' })
    }
  })
  test('but never on a rejected one', async () => {
    await refused(fill(await orderWithStatus.REJECTED(), 1))
  })
})

describe('an order begins', () => {
  test('with every lawful combination of its terms', async () => {
    for (const side of ['BUY', 'SELL'])
      for (const time_in_force of ['GTC', 'IOC', 'FOK', 'DAY'])
        for (const price of ['0.00000001', null])
          await insertOrder({ side, time_in_force, price, type: price === null ? 'MARKET' : 'LIMIT' })
    const [stop, end] = [{ stop_price: '1' }, '2026-01-03T03:04:05Z']
    for (const time_in_force of ['GTC', 'DAY', 'GTD'])
      for (const expires_at of time_in_force === 'GTD' ? [end] : [end, null]) {
        await insertOrder({ time_in_force, expires_at, display_quantity: '99.99999999', post_only: true })
        await insertOrder({ time_in_force, expires_at, ...stop, type: 'STOP', price: null })
        await insertOrder({ time_in_force, expires_at, ...stop, type: 'STOP_LIMIT', display_quantity: '0.00000001' })
      }
    await insertOrder({ quantity: '999999999999.99999999', price: '999999999999.99999999', ticker: 'A.B-9' })
    for (const ticker of ['BTC/USD', '^GSPC', 'EUR=X', 'A_:+&@#-.']) await insertOrder({ ticker })
    await insertOrder({ client_order_id: ` ~${'x'.repeat(62)}` })
  })

  test('with a ticker and a key in the form of the domain, said here in another way', async () => {
    const characters = Array.from({ length: 0x180 }, (_, code) => String.fromCodePoint(code + 1))
    const texts = ['', 'é', '😀', 'A\n', '\nA', ...characters, ...[16, 17, 64, 65].map((length) => 'A'.repeat(length))]
    for (const [column, { stored }] of Object.entries({ ticker: tickerForm, client_order_id: keyForm })) {
      const [check] = await sql<{ condition: string }[]>`
        select pg_get_expr(conbin, conrelid) as condition from pg_constraint
        where conrelid = 'orders'::regclass and conname = ${`orders_${column}`}`
      const rows = await sql<{ allowed: boolean }[]>`
        select ${sql.unsafe(check!.condition)} as allowed
        from unnest(${texts}::text[]) with ordinality as t (${sql(column)}, at) order by at`
      const form = new RegExp(stored, 'u')
      expect(texts.filter((_, i) => rows[i]!.allowed)).toEqual(texts.filter((text) => form.test(text)))
    }
  })

  test('as REJECTED, where a rule of business refuses it', async () => {
    const id = await insertOrder({ status: 'REJECTED', reason_code: 'NOT_SUPPORTED_BY_ENGINE' })
    await refused(setStatus(id, 'NEW'))
    await refused(insertOrder({ status: 'REJECTED', reason_code: 'HALTED', version: 1 }))
  })

  test('else only as NEW, unfilled, not triggered, at version 0', async () => {
    await refused(insertOrder({ type: 'STOP', price: null, stop_price: '1', triggered_at: '2026-01-02T03:04:05Z' }))
    for (const status of statuses.filter(
      (other) => other !== 'NEW' && other !== 'PARTIALLY_FILLED' && other !== 'FILLED',
    ))
      await refused(insertOrder({ status }))
    const filled = { last_fill_price: '150' }
    await refused(insertOrder({ status: 'PARTIALLY_FILLED', filled_quantity: '1', filled_notional: '150', ...filled }))
    await refused(insertOrder({ status: 'FILLED', filled_quantity: '100', filled_notional: '15000', ...filled }))
    await refused(insertOrder({ version: 1 }))
    await refused(insertOrder({ version: -1 }))
  })

  const illegal: [string, Columns][] = [
    ['a type that does not exist', { type: 'TRAILING_STOP', stop_price: '1' }],
    ['a side that does not exist', { side: 'HOLD' }],
    ['a time in force that does not exist', { time_in_force: 'GTX', expires_at: '2026-01-03T03:04:05Z' }],
    ['GTD and no end', { time_in_force: 'GTD' }],
    ['an end of an IOC order', { time_in_force: 'IOC', expires_at: '2026-01-03T03:04:05Z' }],
    ['an IOC order that waits for a price', { time_in_force: 'IOC', type: 'STOP_LIMIT', stop_price: '1' }],
    ['a FOK order that shows less than all', { time_in_force: 'FOK', display_quantity: '1' }],
    ['a FOK order that must not match at once', { time_in_force: 'FOK', post_only: true }],
    ['an iceberg that shows all', { display_quantity: '100' }],
    ['a quantity that rounds to 0', { quantity: '0.000000001' }],
    ['a ticker in lower case', { ticker: 'aapl' }],
    ['an empty ticker', { ticker: '' }],
    ['a ticker of 17 characters', { ticker: 'A'.repeat(17) }],
    ['a ticker with a line end', { ticker: 'AAPL\n' }],
    ['a ticker with a space', { ticker: 'BTC USD' }],
    ['a ticker with a quote', { ticker: 'A"' }],
    ['an empty client order id', { client_order_id: '' }],
    ['a client order id of 65 characters', { client_order_id: 'x'.repeat(65) }],
    ['a client order id that is not printable', { client_order_id: 'a\tb' }],
    ['a client order id beyond ASCII', { client_order_id: 'é' }],
  ]
  test.each(illegal)('not with %s', async (_what, changes) => {
    await refused(insertOrder(changes))
  })

  const given: Columns = { post_only: true }
  const absent: Columns = { post_only: false }
  const columnOf = new Map(termTable.map(({ name, column }) => [name, column]))
  /** A lawful order of this type, in which every term that the type decides on is there or not, by its rule. */
  const lawfulOf = (type: (typeof orderTypes)[number]): Columns => ({
    type,
    ...Object.fromEntries(
      rulesOf(type).map(([name, rule]) => [
        columnOf.get(name)!,
        rule === 'required' ? '1' : (absent[columnOf.get(name)!] ?? null),
      ]),
    ),
  })
  for (const type of orderTypes)
    for (const [name, rule] of rulesOf(type))
      test(`${type}: ${name} is ${rule}, as the table of types has it`, async () => {
        const column = columnOf.get(name)!
        const values = [absent[column] ?? null, given[column] ?? '1']
        const [without, present] = values.map((value) => () => insertOrder({ ...lawfulOf(type), [column]: value }))
        await (rule === 'required' ? refused(without!()) : without!())
        await (rule === 'forbidden' ? refused(present!()) : present!())
      })

  const amounts = termTable.filter(({ kind }) => kind === 'amount').map(({ column }) => column)
  test.each(amounts)(
    'not with 0, less or no number as %s, as for every amount of the table of terms',
    async (column) => {
      for (const value of ['0', '-1', 'NaN']) await refused(insertOrder({ [column]: value }))
    },
  )

  test('not with an amount beyond 12 integer digits, or an infinite one', async () => {
    for (const value of ['1000000000000', 'Infinity']) {
      await refused(insertOrder({ quantity: value }), '22003')
      await refused(insertOrder({ price: value }), '22003')
    }
  })

  test('not with a term missing', async () => {
    for (const column of ['user_id', 'ticker', 'side', 'type', 'time_in_force', 'quantity', 'created_at', 'updated_at'])
      await refused(insertOrder({ [column]: null }), '23502')
  })

  test('once for an id, and once for a client order id of a user', async () => {
    const id = await insertOrder()
    await refused(insertOrder({ id }), '23505')
    const insertKey = (key: Columns) => sql`insert into order_keys ${sql(key)}`
    const key = { user_id: crypto.randomUUID(), client_order_id: 'mine', order_id: id }
    await insertKey(key)
    await refused(insertKey(key), '23505')
    await refused(insertKey({ ...key, order_id: null, voided_at: '2026-01-02T03:04:05Z' }), '23505')
    await insertKey({ ...key, user_id: crypto.randomUUID() })
    await insertKey({ ...key, client_order_id: 'Mine' })
  })

  test('a key has an order, or is void since a time', async () => {
    const key = { user_id: crypto.randomUUID(), client_order_id: 'void' }
    await refused(sql`insert into order_keys ${sql({ ...key, order_id: null })}`)
    await refused(sql`insert into order_keys ${sql({ ...key, order_id: newId(), voided_at: '2026-01-02T03:04:05Z' })}`)
    await refused(
      sql`insert into order_keys ${sql({ ...key, client_order_id: '', voided_at: '2026-01-02T03:04:05Z' })}`,
    )
    await sql`insert into order_keys ${sql({ ...key, voided_at: '2026-01-02T03:04:05Z' })}`
    await refused(sql`update order_keys set order_id = ${newId()}, voided_at = null where user_id = ${key.user_id}`)
    await refused(sql`delete from order_keys where user_id = ${key.user_id}`)
    await refused(sql`truncate order_keys`)
  })

  test('without being switched to something else by an upsert', async () => {
    const id = await insertOrder()
    await refused(sql`
      insert into orders (rules_epoch, id, user_id, ticker, side, type, time_in_force, quantity, price, created_at, updated_at)
      select 1, id, user_id, ticker, side, type, time_in_force, quantity, price, created_at, updated_at from orders where id = ${id}
      on conflict (id) do update set quantity = 1, version = orders.version + 1`)
  })
})

describe('an update is refused', () => {
  const terms: [string, string][] = [
    ['id', 'gen_random_uuid()'],
    ['user_id', 'gen_random_uuid()'],
    ['client_order_id', "'other'"],
    ['client_order_id', 'null'],
    ['ticker', "'MSFT'"],
    ['side', "'SELL'"],
    ['time_in_force', "'DAY'"],
    ['quantity', '101'],
    ['price', '151'],
    ['display_quantity', '10'],
    ['post_only', 'true'],
    ['expires_at', "now() + interval '1 day'"],
    ['created_at', "now() + interval '1 day'"],
  ]
  test('that changes a term, with a case here for each of the table of terms', () => {
    // These cannot change alone: tests below change the type with the price, and the price of a stop.
    const columns = ['type', 'stop_price', ...terms.map(([column]) => column)]
    expect(termTable.map(({ column }) => column).filter((column) => !columns.includes(column))).toEqual([])
  })

  test.each(terms)('that changes a term: %s = %s', async (column, value) => {
    const id = await insertOrder({ client_order_id: 'first' })
    await refused(sql.unsafe(`update orders set ${column} = ${value}, version = version + 1 where id = '${id}'`))
  })

  test('that changes the price of a stop', async () => {
    const id = await insertOrder({ type: 'STOP_LIMIT', stop_price: '1' })
    await refused(sql`update orders set stop_price = 2, version = version + 1 where id = ${id}`)
  })

  test('that triggers an order without a stop price, a stop twice, one that ended, or takes it back', async () => {
    const trigger = (id: string, at: string | null = '2026-01-02T03:04:06Z') =>
      sql`update orders set triggered_at = ${at}::timestamptz, version = version + 1 where id = ${id}`
    await refused(trigger(await insertOrder()))
    const id = await insertOrder({ type: 'STOP', price: null, stop_price: '1' })
    await trigger(id)
    await refused(trigger(id, '2026-01-02T03:04:07Z'))
    await refused(trigger(id, null))
    const ended = await insertOrder({ type: 'STOP', price: null, stop_price: '1' })
    await setStatus(ended, 'CANCELED')
    await refused(trigger(ended))
  })

  test('that fills a stop before its price was met', async () => {
    const id = await insertOrder({ type: 'STOP_LIMIT', stop_price: '1' })
    await refused(fill(id, 40))
    await sql`update orders set triggered_at = now(), version = version + 1 where id = ${id}`
    await fill(id, 40)
  })

  test('that makes a MARKET order of a LIMIT order', async () => {
    const id = await insertOrder()
    await refused(sql`update orders set type = 'MARKET', price = null, version = version + 1 where id = ${id}`)
  })

  test('where the version does not rise', async () => {
    const id = await orderWithStatus.PARTIALLY_FILLED()
    for (const version of [1, 0, -1])
      await refused(
        sql`update orders set filled_quantity = 50, filled_notional = 7500, version = ${version} where id = ${id}`,
      )
    await refused(sql`update orders set last_fill_price = 1 where id = ${id}`)
    await refused(sql`update orders set updated_at = updated_at + interval '1 second' where id = ${id}`)
  })

  test('but not one that changes nothing: that touches the row', async () => {
    const id = await orderWithStatus.PARTIALLY_FILLED()
    const before = await read(id)
    await sql`update orders set version = version where id = ${id}`
    expect(await read(id)).toEqual(before)
  })

  const changes: [string, string][] = [
    ['the filled quantity falls', 'filled_quantity = 39'],
    ['the filled quantity passes the quantity', 'filled_quantity = 100.00000001'],
    ['the filled quantity is no number', "filled_quantity = 'NaN'"],
    ['the filled quantity is negative', 'filled_quantity = -1'],
    ['the filled quantity is gone', 'filled_quantity = 0, filled_notional = 0, last_fill_price = null'],
    ['the notional falls', 'filled_notional = 5999'],
    ['the notional is no number', "filled_notional = 'NaN'"],
    ['updated_at falls', "updated_at = updated_at - interval '1 second'"],
    ['the last price is no number', "last_fill_price = 'NaN'"],
    ['the last price is 0', 'last_fill_price = 0'],
    ['the last price is gone', 'last_fill_price = null'],
    ['FILLED is claimed early', "status = 'FILLED'"],
    ['PARTIALLY_FILLED stays though all is filled', 'filled_quantity = 100, filled_notional = 15000'],
  ]
  test.each(changes)('where %s', async (_what, change) => {
    const id = await orderWithStatus.PARTIALLY_FILLED()
    await refused(sql.unsafe(`update orders set ${change}, version = version + 1 where id = '${id}'`))
  })

  test('that fills an order and leaves it NEW', async () => {
    const id = await insertOrder()
    await refused(sql`
      update orders set filled_quantity = 1, filled_notional = 150, last_fill_price = 150, version = 1 where id = ${id}`)
  })

  test('that gives an unfilled order a price or a notional', async () => {
    const id = await insertOrder()
    await refused(sql`update orders set last_fill_price = 150, version = 1 where id = ${id}`)
    await refused(sql`update orders set filled_notional = 1, version = 1 where id = ${id}`)
  })

  test('as a whole, where one of its rows is illegal', async () => {
    const ids = [await insertOrder(), await orderWithStatus.FILLED()]
    await refused(sql`update orders set status = 'CANCELED', version = version + 1 where id in ${sql(ids)}`)
    expect((await read(ids[0]!)).status).toBe('NEW')
  })

  test('with words that name the row and the rule', async () => {
    const id = await orderWithStatus.FILLED()
    expect(await failureOf(setStatus(id, 'CANCELED'))).toMatchObject({
      message: 'UPDATE on orders refused: this status change is not in the table of transitions',
      hint: `id ${id}`,
    })
    expect(await failureOf(sql`truncate ingested_fills`)).toMatchObject({
      message: 'TRUNCATE on ingested_fills refused: the ledger is append-only',
    })
  })
})

describe('nothing goes away:', () => {
  test('orders are neither deleted nor truncated', async () => {
    const id = await insertOrder()
    await refused(sql`delete from orders where id = ${id}`)
    await refused(sql`delete from orders`)
    await refused(sql`truncate orders cascade`)
    // Not even with the tables that refer to it named beside it.
    await refused(sql`truncate exception_resolutions, exceptions, ingested_fills, order_changes, order_endings, ingested_reports,
      report_exception_resolutions, report_exceptions, adoption_openings, adoption_events, orders`)
    expect((await read(id)).status).toBe('NEW')
  })

  const append = (orderId: string, changes: Columns = {}) => {
    const columns: Columns = {
      order_id: orderId,
      trade_id: `t-${crypto.randomUUID()}`,
      side: 'BUY',
      ticker: 'AAPL',
      ts: '2026-01-02T03:04:05Z',
      quantity: '10',
      price: '150',
      late: 'false',
      applied_at: '2026-01-02T03:04:05Z',
      order_version: 1,
      kafka_partition: 0,
      kafka_offset: 0,
      ...changes,
    }
    return sql`insert into ingested_fills ${sql(columns)}`
  }

  test('the ledger is append-only', async () => {
    const id = await insertOrder()
    await append(id)
    await refused(sql`update ingested_fills set price = price where order_id = ${id}`)
    await refused(sql`update ingested_fills set late = true`)
    await refused(sql`delete from ingested_fills where order_id = ${id}`)
    await refused(sql`delete from ingested_fills where false`)
    await refused(sql`truncate ingested_fills`)
    expect(await sql`select 1 from ingested_fills where order_id = ${id}`).toHaveLength(1)
  })

  test('the ledger takes a trade once for an order, and a version once', async () => {
    const id = await insertOrder()
    await append(id, { trade_id: 't', order_version: 1 })
    await refused(append(id, { trade_id: 't', order_version: 2 }), '23505')
    await refused(append(id, { trade_id: 'T', order_version: 1 }), '23505')
    await append(id, { trade_id: 'T', order_version: 2 })
  })

  test('the ledger refuses amounts that are none, and orders that are none', async () => {
    const id = await insertOrder()
    for (const amount of ['0', '-1', 'NaN']) {
      await refused(append(id, { quantity: amount }))
      await refused(append(id, { price: amount }))
    }
    await refused(append(id, { side: 'HOLD' }))
    await refused(append(newId()), '23503')
  })
})

test('exceptions are evidence, and their first resolution stands', async () => {
  const orderId = await insertOrder()
  const exception = (changes: Columns = {}) => {
    const columns: Columns = {
      id: newId(),
      disposition: 'OVERFILL',
      reason: 'too much',
      order_id: orderId,
      trade_id: 't',
      side: 'BUY',
      ticker: 'AAPL',
      ts: '2026-01-02T03:04:05Z',
      quantity: '10',
      price: '150',
      kafka_topic: 'trades',
      kafka_partition: 0,
      kafka_offset: 0,
      message: '{}',
      recorded_at: '2026-01-02T03:04:05Z',
      ...changes,
    }
    return sql`insert into exceptions ${sql(columns)}`
  }
  const id = newId()
  await exception({ id })
  await refused(exception(), '23505')
  await exception({ price: '151' })
  await refused(exception({ disposition: 'APPLIED' }))
  const resolve = () => sql`insert into exception_resolutions values (${id}, 'me', 'done', now())`
  await resolve()
  await refused(resolve(), '23505')
  for (const table of ['exceptions', 'exception_resolutions']) {
    await refused(sql.unsafe(`delete from ${table}`))
    await refused(sql.unsafe(`truncate ${table} cascade`))
  }
  await refused(sql`update exceptions set reason = 'none'`)
  await refused(sql`update exception_resolutions set note = 'none'`)
})

test('the outbox takes the kinds of events that there are, and no other', async () => {
  const event = (kind: string, id: string) =>
    sql`insert into outbox (event_id, kind, order_id, ticker, occurred_at) values (${newId()}, ${kind}, ${id}, 'AAPL', now())`
  const id = await insertOrder()
  for (const kind of eventKinds) await event(kind, id)
  await refused(event('REPLACED', id))
  const rows = await sql<{ kind: string }[]>`select kind from outbox where order_id = ${id} order by position`
  expect(rows.map(({ kind }) => kind)).toEqual([...eventKinds])
})

test('an ordinary role has no way around the guards', async () => {
  const id = await insertOrder()
  const session = database.session()
  const role = `clerk_${database.name}`
  await session.unsafe(`create role ${role}`)
  try {
    await session.unsafe(`grant all on all tables in schema public to ${role}; set role ${role}`)
    await refused(session`delete from orders where id = ${id}`)
    await refused(session`truncate orders cascade`)
    await refused(session`set session_replication_role = 'replica'`, '42501')
    await refused(session`alter table orders disable trigger all`, '42501')
    await refused(session`drop table orders cascade`, '42501')
    expect((await read(id)).status).toBe('NEW')
  } finally {
    await session.unsafe(`reset role; drop owned by ${role}; drop role ${role}`)
  }
})
