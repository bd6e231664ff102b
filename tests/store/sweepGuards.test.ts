// Proves: the database itself keeps what a sweep cancels as it is, until it is done, and keeps each switch, whatever SQL comes.

import { expect, test } from 'bun:test'
import { ownDatabase } from '../support/ownDatabase.ts'
import { failureOf } from '../support/waiting.ts'

const { sql } = await ownDatabase()

const refused = async (statement: PromiseLike<unknown>): Promise<void> =>
  expect(await failureOf(statement)).toMatchObject({ code: '23514' })

const beginSweep = async (): Promise<string> => {
  const [row] = await sql<{ id: string }[]>`
    insert into cancel_sweeps (user_id, ticker, side, reason_code, cause, snapshot, begun_at)
    values (gen_random_uuid(), 'AAPL', null, 'HALT', '{"kind": "halt"}', pg_current_snapshot(), clock_timestamp()) returning id`
  return row!.id
}

test('what a sweep cancels never changes', async () => {
  const id = await beginSweep()
  const changes = [
    sql`user_id = null`,
    sql`ticker = null`,
    sql`side = 'BUY'`,
    sql`reason_code = 'CANCEL_AFTER'`,
    sql`cause = '{"kind": "cancel-after"}'`,
    sql`snapshot = '1:1:'`,
    sql`position = position + 1`,
    sql`due_at = now()`,
    sql`begun_at = now()`,
  ]
  for (const change of changes) await refused(sql`update cancel_sweeps set ${change} where id = ${id}`)
  await sql`update cancel_sweeps set worked_by = gen_random_uuid(), worked_until = now() where id = ${id}`
})

test('a sweep is done once, and stays until then', async () => {
  const id = await beginSweep()
  await refused(sql`delete from cancel_sweeps where id = ${id}`)
  await refused(sql`truncate cancel_sweeps`)
  await sql`update cancel_sweeps set done_at = now() where id = ${id}`
  await refused(sql`update cancel_sweeps set done_at = null where id = ${id}`)
  await sql`delete from cancel_sweeps where id = ${id}`
})

test('a sweep has a lawful side, a cause with a kind, and a whole lease', async () => {
  const insert = (columns: Record<string, string>) =>
    sql`insert into cancel_sweeps ${sql({ reason_code: 'HALT', cause: { kind: 'halt' }, ...columns } as never)}`
  await refused(insert({ side: 'HOLD' }))
  await refused(sql`insert into cancel_sweeps (reason_code, cause) values ('HALT', '{}')`)
  const id = await beginSweep()
  await refused(sql`update cancel_sweeps set worked_by = gen_random_uuid() where id = ${id}`)
})

test('a switch is never deleted, has a cause, and has fired or is armed', async () => {
  const insert = (columns: { cause: object; fired?: boolean; fires_at?: Date }) =>
    sql`insert into cancel_after ${sql({ user_id: crypto.randomUUID(), attempt: crypto.randomUUID(), ...columns } as never)}`
  await insert({ cause: { kind: 'cancel-after' } })
  await refused(sql`delete from cancel_after`)
  await refused(sql`truncate cancel_after`)
  await refused(insert({ cause: {} }))
  await refused(insert({ cause: { kind: 'cancel-after' }, fired: true, fires_at: new Date() }))
})
