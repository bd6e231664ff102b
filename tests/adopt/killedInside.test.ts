// Proves: whatever is killed in the middle of the copy, the command or Postgres, the copy is there whole or not at all, and the next run says
// what it finds, and completes it.

import { freePort } from '../stack/ports.ts'
import { startPostgres, type PostgresServer } from '../stack/postgres.ts'
import { binary, crashingBinary } from '../support/binary.ts'
import { afterAll, beforeAll, beforeEach, expect, test } from '../support/explained.ts'
import { temporaryDir } from '../support/servers.ts'
import { runBinary } from '../support/service.ts'
import { until } from '../support/until.ts'
import { createWorld, type World } from '../support/world.ts'
import { javaLeg, javaOrder, makeJavaTables, storeJavaOrders } from './javaDatabase.ts'

const orders = [
  javaOrder(),
  javaOrder({ status: 'FILLED', version: 1, filled: '10', lastPrice: '150.25', legs: [javaLeg('10')] }),
]

let server: PostgresServer
let world: World
beforeAll(async () => {
  server = await startPostgres({ dataDir: temporaryDir('adopt-killed-inside'), port: await freePort() })
  world = await createWorld({ postgresAt: server.url })
  await binary()
})
afterAll(async () => {
  await world[Symbol.asyncDispose]()
  await server.stop()
})

beforeEach(async () => {
  await world.sql.unsafe('drop schema if exists orders cascade')
  await makeJavaTables(world.sql)
  await storeJavaOrders(world, orders)
})

/** The copy will stop before it writes to this table, for as long as `public.gate` has no row. */
const holdCopyAt = async (table: string): Promise<void> => {
  const child = Bun.spawn([await crashingBinary(), 'adopt'], {
    env: { ...world.env, ORDERS_TEST_CRASH: 'before-copy@1' },
    stdout: 'ignore',
    stderr: 'ignore',
  })
  await child.exited
  await world.sql.unsafe(`
    create table public.gate (open boolean);
    create function public.wait_at_gate() returns trigger language plpgsql as $$
    begin
      while not exists (select from public.gate) loop perform pg_sleep(0.05); end loop;
      return null;
    end $$;
    create trigger held before insert on orders.${table} for each statement execute function public.wait_at_gate()`)
}
const openGate = () => world.sql`insert into public.gate values (true)`

/** A command whose copy is under way. */
const beginCopy = async () => {
  const child = Bun.spawn([await binary(), 'adopt'], { env: world.env, stdout: 'ignore', stderr: 'pipe' })
  await until(
    async () =>
      (await world.sql`select from pg_stat_activity where wait_event = 'PgSleep' and datname = current_database()`)
        .length > 0,
    { what: 'the copy waits at the gate' },
  )
  return child
}
const beginNext = async () => {
  const next = runBinary(['adopt'], world.env)
  const isWaiting = async () =>
    (await world.sql`select from pg_stat_activity where query like 'select pg_try_advisory_lock%' and state = 'idle'`)
      .length > 0
  await until(isWaiting, { what: 'the next command waits for the lock' })
  return { next }
}

const completed = '2 orders, 1 fills, 0 violations'

test.each([
  // The server finds out that nobody listens when it says how far it is, and gives up.
  ['among the orders', 'exceptions', false],
  ['at its end', 'adoption', true],
])('the command is killed %s: the next one waits for what the server makes of it', async (_, table, isWhole) => {
  await holdCopyAt(table)
  const child = await beginCopy()
  child.kill('SIGKILL')
  await child.exited
  const { next } = await beginNext()
  await openGate()
  const { exitCode, err, out } = await next
  expect({ exitCode, err }).toEqual({ exitCode: 0, err: '' })
  expect(out).toContain('another process migrates or takes over; waiting for it')
  expect(out.includes('this database was taken over already')).toBe(isWhole)
  expect(out.includes('copied in')).toBe(!isWhole)
  expect(out).toContain(completed)
})

test('Postgres is killed: the command says so, nothing of the copy is there, and the next one takes over', async () => {
  await holdCopyAt('adoption')
  const child = await beginCopy()
  await server.kill()
  const err = await new Response(child.stderr).text()
  expect(await child.exited).toBe(1)
  expect(err).toContain('not taken over')
  await server.restart()
  await until(async () => (await world.sql`select from orders.orders`).length === 0, {
    what: 'the copy is gone',
  })
  await openGate()
  const { exitCode, out } = await runBinary(['adopt'], world.env)
  expect(out).toContain(completed)
  expect(exitCode).toBe(0)
})
