// Proves: the database itself keeps the numbers of a session of FIX rising, what was sent as it was, and what waits until it is answered,
// whatever SQL comes; and an order keeps the door that it came through.

import { expect, test } from 'bun:test'
import { newId } from '../support/builders.ts'
import { ownDatabase } from '../support/ownDatabase.ts'
import { failureOf } from '../support/waiting.ts'

const { sql } = await ownDatabase()

const refused = async (statement: PromiseLike<unknown>, code = '23514'): Promise<void> =>
  expect(await failureOf(statement)).toMatchObject({ code })

let sessions = 0
const newSession = async (): Promise<string> => {
  const id = `S${++sessions}`
  await sql`insert into fix_sessions (id, next_in, next_out, epoch, series) values (${id}, 5, 5, 2, 2)`
  return id
}

test('numbers of a session only rise, but for a new series', async () => {
  const id = await newSession()
  for (const change of [sql`next_in = 4`, sql`next_out = 4`, sql`epoch = 1`, sql`series = 1`, sql`id = 'other'`])
    await refused(sql`update fix_sessions set ${change} where id = ${id}`)
  await sql`update fix_sessions set series = 3, next_in = 1, next_out = 1 where id = ${id}`
  await refused(sql`update fix_sessions set series = 4, next_in = 0 where id = ${id}`)
  await refused(sql`update fix_sessions set cursor = 'c' where id = ${id}`)
  await refused(sql`update fix_sessions set attempt_out = 1 where id = ${id}`)
  await refused(sql`insert into fix_sessions (id) values ('')`)
  await refused(sql`delete from fix_sessions`)
  await refused(sql`truncate fix_sessions cascade`)
})

test('what was sent stays, has a body or is a report, and a report is sent once', async () => {
  const id = await newSession()
  const send = (columns: Record<string, unknown>) =>
    sql`insert into fix_sent ${sql({ session: id, series: 1, at: new Date(), ...columns } as never)}`
  const report = { order_id: newId(), version: 3 }
  await send({ number: 1, ...report })
  await refused(send({ number: 1, body: Buffer.from('8') }), '23505')
  await refused(send({ number: 2, ...report }), '23505')
  await refused(send({ number: 2 }))
  await refused(send({ number: 2, ...report, version: 4, body: Buffer.from('8') }))
  await refused(send({ number: 2, order_id: newId() }))
  await refused(send({ number: 0, body: Buffer.from('8') }))
  await refused(send({ session: 'nobody', number: 2, body: Buffer.from('8') }), '23503')
  await send({ number: 2, body: Buffer.from('8') })
  await refused(sql`update fix_sent set number = 3 where number = 2`)
  await refused(sql`delete from fix_sent`)
  await refused(sql`truncate fix_sent`)
})

test('what waits for an answer never changes', async () => {
  const id = await newSession()
  const wait = (session: string) =>
    sql`insert into fix_due (session, series, in_number, reason, request, at) values (${session}, 1, 1, 'KNOWN_KEY', '{}', now())`
  await wait(id)
  await refused(wait(id), '23505')
  await refused(wait('nobody'), '23503')
  await refused(sql`update fix_due set request = '1' where session = ${id}`)
  await refused(sql`truncate fix_due`)
  await sql`delete from fix_due where session = ${id}`
})

test('a key is of an order, void, or of a request', async () => {
  const insert = (columns: Record<string, unknown>) =>
    sql`insert into order_keys ${sql({ user_id: crypto.randomUUID(), client_order_id: 'k', ...columns } as never)}`
  await insert({ session: 'S' })
  await refused(insert({ session: 'S', order_id: newId() }))
  await refused(insert({ session: 'S', voided_at: new Date() }))
  await refused(insert({ session: 'S', client_order_id: '' }))
  await refused(insert({}))
})

test('an order comes through a door that there is, and keeps it', async () => {
  const insert = async (origin: string | null): Promise<string> => {
    const [row] = await sql<{ id: string }[]>`
      insert into orders (rules_epoch, id, user_id, ticker, side, type, time_in_force, quantity, price, created_at, updated_at, origin)
      values (1, ${newId()}, gen_random_uuid(), 'AAPL', 'BUY', 'LIMIT', 'GTC', 1, 1, now(), now(), ${origin}) returning id`
    return row!.id
  }
  for (const origin of ['http', '', 'fix:', 'fix', 'grpc:x', `fix:${'x'.repeat(201)}`, 'fix:é', 'fix:A\n'])
    await refused(insert(origin))
  for (const origin of ['grpc', 'fix:FIRM->ORDERS', `fix:${'x'.repeat(200)}`, null]) {
    const id = await insert(origin)
    await refused(sql`update orders set origin = 'fix:OTHER' where id = ${id}`)
  }
})
