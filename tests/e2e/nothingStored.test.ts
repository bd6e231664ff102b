// Proves: a 503 has left no trace, and what was stored is never denied: every write loses its database at each point where it
// talks to it.

import { expect, test } from '../support/explained.ts'
import { orderBody, userId } from '../support/orderBody.ts'
import { startProxy, type Proxy } from '../support/proxy.ts'
import type { RunningService } from '../support/service.ts'
import { until } from '../support/until.ts'
import { createWorld, tradeOf, type World } from '../support/world.ts'

/** Short, so that an outcome that cannot be found out is an answer soon. */
const env = { REQUEST_DEADLINE_MS: '1500' }

const withProxy = async (
  act: (world: World, service: RunningService, proxy: Proxy) => Promise<void>,
): Promise<void> => {
  await using world = await createWorld({ env })
  const proxy = await startProxy(`${world.databaseUrl}?sslmode=disable`)
  try {
    await act(world, await world.start({ env: { DATABASE_URL: proxy.url } }), proxy)
  } finally {
    await proxy.stop()
  }
}

/** Once a statement with `part` has passed, the next one of its kind (or any with `next`) meets a database that is gone. */
const loseAfter = (proxy: Proxy, part: string, next: string): void => {
  let passed = false
  proxy.before(async (statement) => {
    if (passed && statement.includes(next)) {
      proxy.before(() => undefined)
      await proxy.refuse()
    }
    if (statement.includes(part)) passed = true
  })
}

/** The statement with `part` meets a database that is gone. */
const loseBefore = (proxy: Proxy, part: string): void =>
  proxy.before(async (statement) => {
    if (!statement.includes(part)) return
    proxy.before(() => undefined)
    await proxy.refuse()
  })

/** The statement with `part` is carried out, its answer is lost, and nobody answers after that. */
const loseAnswerAndStay = (proxy: Proxy, part: string): void => {
  let passed = false
  proxy.before((statement) => {
    if (passed && statement.includes(part)) void proxy.refuse()
    if (statement.includes(part)) passed = true
  })
  proxy.loseAnswer(part)
}

/** A login whose rights may be taken away between two statements: what fails then has stored nothing, by Postgres' own word. */
const withRole = async (
  act: (parts: { world: World; service: RunningService; proxy: Proxy; role: string }) => Promise<void>,
): Promise<void> => {
  await withProxy(async (world, _, proxy) => {
    const role = `svc_${world.name.replaceAll('-', '_')}`
    await world.sql.unsafe(`
      create role ${role} login password 'secret';
      grant usage on schema public to ${role};
      grant all on all tables in schema public to ${role};
      grant all on all sequences in schema public to ${role}`)
    const url = new URL(proxy.url)
    url.username = role
    url.password = 'secret'
    try {
      const service = await world.start({ env: { DATABASE_URL: url.href, DB_MIGRATE: 'false' } })
      await act({ world, service, proxy, role })
      await service.stop()
    } finally {
      await world.sql.unsafe(`drop owned by ${role}; drop role ${role}`)
    }
  })
}

/** The right to read `table` is gone before the statement with `part`; those of the same text before it have ended. */
const revokeBefore = (
  { world, proxy, role }: { world: World; proxy: Proxy; role: string },
  part: string,
  table: string,
) =>
  proxy.before(async (statement) => {
    if (statement.includes(part)) await world.sql.unsafe(`revoke select on ${table} from ${role}`)
  })

const backAgain = async (service: RunningService, proxy: Proxy): Promise<void> => {
  proxy.before(() => undefined)
  await proxy.accept()
  await service.ready()
}

const anException = async (world: World, service: RunningService): Promise<string> => {
  const buyOrderId = String((await service.post(orderBody({ quantity: 1 }))).json['id'])
  await world.publishTrades(tradeOf({ buyOrderId, quantity: 2 }))
  const found = async () => (await world.sql<{ id: string }[]>`select id from exceptions order by id desc limit 1`)[0]
  return (await until(found, { what: 'an exception' })).id
}

test('resolve: the database goes between its statements', async () => {
  await withProxy(async (world, service, proxy) => {
    const id = await anException(world, service)
    loseAfter(proxy, 'insert into exception_resolutions', 'e.disposition')
    const answer = await service.http(`/exceptions/${id}/resolve`, { body: { resolvedBy: 'ops', note: 'n' } })
    const stored = (await world.sql`select from exception_resolutions where exception_id = ${id}`).length
    expect([answer.status, stored]).toEqual([200, 1])
  })
})

test('resolve: what it reads cannot be read any more', async () => {
  await withRole(async ({ world, service, ...rest }) => {
    const id = await anException(world, service)
    revokeBefore({ world, ...rest }, 'e.disposition', 'exceptions')
    const answer = await service.http(`/exceptions/${id}/resolve`, { body: { resolvedBy: 'ops', note: 'n' } })
    expect(answer).toMatchObject({ status: 503, json: { code: 'OVERLOADED' } })
    expect(await world.sql`select from exception_resolutions`).toHaveLength(0)
  })
})

test('resolve: its answer is lost', async () => {
  await withProxy(async (world, service, proxy) => {
    const id = await anException(world, service)
    const resolve = () => service.http(`/exceptions/${id}/resolve`, { body: { resolvedBy: 'ops', note: 'n' } })
    loseAnswerAndStay(proxy, 'insert into exception_resolutions')
    expect(await resolve()).toMatchObject({ status: 504, json: { code: 'OUTCOME_UNKNOWN' } })
    await backAgain(service, proxy)
    expect(await resolve()).toMatchObject({ status: 200, json: { resolution: { resolvedBy: 'ops', note: 'n' } } })
  })
})

test('resolve: of two who are beaten to it at the same moment, each learns the truth', async () => {
  await withProxy(async (world, service) => {
    const id = await anException(world, service)
    const other = await world.start()
    const resolve = (at: RunningService, note: string) =>
      at.http(`/exceptions/${id}/resolve`, { body: { resolvedBy: 'ops', note } })
    // Both wait for a lock that is given up with nothing stored: the second then waits for the first.
    const session = await world.sql.reserve()
    await session`begin`
    await session`insert into exception_resolutions select id, 'x', 'x', now() from exceptions where id = ${id}`
    const answers = [resolve(service, 'one'), resolve(other, 'two')]
    await Bun.sleep(300)
    await session`rollback`
    session.release()
    const statuses = (await Promise.all(answers)).map(({ status }) => status)
    expect(statuses.toSorted((a, b) => a - b)).toEqual([200, 409])
  })
})

test('place: the database goes after the batch is stored, before its repetitions are read', async () => {
  await withProxy(async (world, service, proxy) => {
    const key = { 'idempotency-key': 'held' }
    await service.post(orderBody(), key)
    // The repetition and the new orders share a batch, or not: either way a 503 has stored nothing.
    loseAfter(proxy, 'insert into orders', 'k (user_id, client_order_id)')
    const fresh = Array.from({ length: 12 }, (_, i) => `fresh-${i}`)
    const answers = await Promise.all([
      ...fresh.map((clientOrderId) => service.post(orderBody({ clientOrderId }))),
      service.post(orderBody(), key),
    ])
    const rows = await world.sql<{ key: string }[]>`select client_order_id as key from orders where user_id = ${userId}`
    const keys = new Set(rows.map((row) => row.key))
    fresh.forEach((name, i) => {
      const { status } = answers[i]!
      expect([202, 503, 504]).toContain(status)
      if (status === 503) expect([name, keys.has(name)]).toEqual([name, false])
      if (status === 202) expect([name, keys.has(name)]).toEqual([name, true])
    })
  })
})

test('place: what it reads cannot be read any more', async () => {
  await withRole(async ({ world, service, ...rest }) => {
    const key = { 'idempotency-key': 'held' }
    await service.post(orderBody(), key)
    revokeBefore({ world, ...rest }, 'k (user_id, client_order_id)', 'orders')
    const fresh = Array.from({ length: 12 }, (_, i) => `fresh-${i}`)
    const answers = await Promise.all([
      ...fresh.map((clientOrderId) => service.post(orderBody({ clientOrderId }))),
      service.post(orderBody(), key),
    ])
    const rows = await world.sql<{ key: string }[]>`select client_order_id as key from orders where user_id = ${userId}`
    const refused = fresh.filter((_, i) => answers[i]!.status === 503)
    expect(refused.filter((name) => rows.some((row) => row.key === name))).toEqual([])
    for (const { status } of answers) expect([202, 503, 504]).toContain(status)
  })
})

test('place: its answer is lost', async () => {
  await withProxy(async (world, service, proxy) => {
    await service.post(orderBody())
    loseAnswerAndStay(proxy, 'insert into orders')
    const order = orderBody({ clientOrderId: 'lost' })
    expect(await service.post(order)).toMatchObject({ status: 504, json: { code: 'OUTCOME_UNKNOWN' } })
    await backAgain(service, proxy)
    expect((await service.post(order)).headers.get('idempotent-replayed')).toBe('true')
    expect(await world.sql`select from orders where client_order_id = 'lost'`).toHaveLength(1)
  })
})

test('place: a quoted key cannot be looked up', async () => {
  await withProxy(async (world, service, proxy) => {
    await service.post(orderBody())
    loseBefore(proxy, 'as k (user_id, client_order_id)')
    const answer = await service.post(orderBody(), { 'idempotency-key': '"q-1"' })
    expect(answer).toMatchObject({ status: 503, json: { code: 'OVERLOADED' } })
    expect(await world.sql`select from orders where client_order_id like '%q-1%'`).toHaveLength(0)
  })
})

test('cancel: its answer is lost', async () => {
  await withProxy(async (world, service, proxy) => {
    const id = String((await service.post(orderBody())).json['id'])
    await world.outboxEmpty()
    loseAnswerAndStay(proxy, 'held.status = any')
    const answer = await service.http(`/orders/${id}/cancel`, { method: 'POST' })
    expect(answer).toMatchObject({ status: 504, json: { code: 'OUTCOME_UNKNOWN' } })
    await backAgain(service, proxy)
    expect((await service.http(`/orders/${id}`)).json).toMatchObject({ status: 'CANCELED' })
  })
})

test('a write that waits for a lock until its deadline has stored nothing when it answers 503', async () => {
  await using world = await createWorld({ env: { ...env, DB_LOCK_TIMEOUT_MS: '200' } })
  const service = await world.start()
  const id = String((await service.post(orderBody({ quantity: 1 }))).json['id'])
  await world.publishTrades(tradeOf({ buyOrderId: id, quantity: 2 }))
  const found = async () => (await world.sql<{ id: string }[]>`select id from exceptions limit 1`)[0]
  const { id: exceptionId } = await until(found, { what: 'an exception' })
  await world.outboxEmpty()
  const session = await world.sql.reserve()
  await session`begin`
  await session`select from orders where id = ${id} for update`
  await session`insert into order_keys (user_id, client_order_id, order_id) select user_id, 'locked', gen_random_uuid() from orders where id = ${id}`
  await session`insert into exception_resolutions values (${exceptionId}, 'x', 'x', now())`
  const answers = await Promise.all([
    service.http(`/orders/${id}/cancel`, { method: 'POST' }),
    service.post(orderBody({ clientOrderId: 'locked' })),
    service.http(`/exceptions/${exceptionId}/resolve`, { body: { resolvedBy: 'ops', note: 'n' } }),
  ])
  await session`rollback`
  session.release()
  // A statement that was under way at the deadline may have been on its way to its end: 504 is lawful too, a 2xx is not.
  for (const { status, json } of answers) {
    expect([503, 504]).toContain(status)
    expect(json['code']).toBe(status === 503 ? 'OVERLOADED' : 'OUTCOME_UNKNOWN')
  }
  const [row] = await world.sql<{ status: string }[]>`select status from orders where id = ${id}`
  if (answers[0].status === 503) expect(row!.status).toBe('NEW')
  if (answers[1].status === 503)
    expect(await world.sql`select from orders where client_order_id = 'locked'`).toHaveLength(0)
  if (answers[2].status === 503) expect(await world.sql`select from exception_resolutions`).toHaveLength(0)
})
