// Proves: sql/roles.sql is enough, on a Postgres of its own: the owner migrates, the runtime role serves a whole life of orders
// and can do nothing else, and the reader verifies.

import postgres from 'postgres'
import { inRepo } from '../../src/build/repository.ts'
import { migrate } from '../../src/store/migrate.ts'
import { migrations } from '../../src/store/migrations.ts'
import { freePort } from '../stack/ports.ts'
import { startPostgres, type PostgresServer } from '../stack/postgres.ts'
import { afterAll, beforeAll, expect, test } from '../support/explained.ts'
import { orderBody, userId } from '../support/orderBody.ts'
import { placeOnceTaken } from '../support/placeOrder.ts'
import { temporaryDir } from '../support/servers.ts'
import { runBinary } from '../support/service.ts'
import { until } from '../support/until.ts'
import { failureOf } from '../support/waiting.ts'
import { createWorld, reportOf, tradeOf, type World } from '../support/world.ts'

const script = await Bun.file(inRepo('sql', 'roles.sql')).text()
type Role = 'orders_owner' | 'orders_runtime' | 'orders_reader'
const passwordOf = (role: Role): string => `${role}-secret`

let server: PostgresServer
let world: World
beforeAll(async () => {
  server = await startPostgres({ dataDir: temporaryDir('roles'), port: await freePort() })
  world = await createWorld({ postgresAt: server.url })
  await world.sql.unsafe(script)
  for (const role of ['orders_owner', 'orders_runtime', 'orders_reader'] as const)
    await world.sql.unsafe(`alter role ${role} password '${passwordOf(role)}'`)
})
afterAll(async () => {
  await world[Symbol.asyncDispose]()
  await server.stop()
})

const urlAs = (role: Role): string => {
  const url = new URL(world.databaseUrl)
  url.username = role
  url.password = passwordOf(role)
  return url.href
}
const envAs = (role: Role, more: Record<string, string> = {}) => ({ ...world.env, DATABASE_URL: urlAs(role), ...more })

/** The SQLSTATE that this statement fails with as the role. */
const codeAs = async (role: Role, statement: string): Promise<string> => {
  const sql = postgres(urlAs(role), { max: 1, onnotice: () => undefined })
  try {
    return String(((await failureOf(sql.unsafe(statement))) as { code?: unknown }).code)
  } finally {
    await sql.end()
  }
}
const lastLine = (text: string): Record<string, unknown> => JSON.parse(text.trim().split('\n').at(-1)!)

test('on an empty database the runtime role says who has to migrate, and does not wait for it', async () => {
  const migrating = await runBinary(['serve'], envAs('orders_runtime', { SERVER_PORT: '0' }))
  expect(migrating.exitCode).toBe(1)
  expect(lastLine(migrating.out)['message']).toMatch(
    /^The role orders_runtime may not change the schema, which lacks 0001_orders\.sql, .*: run the subcommand migrate with the login of the owner, and serve with DB_MIGRATE=false\.$/,
  )
  const checking = await runBinary(['serve'], envAs('orders_runtime', { SERVER_PORT: '0', DB_MIGRATE: 'false' }))
  expect(checking.exitCode).toBe(1)
  expect(lastLine(checking.out)['message']).toMatch(/^The database lacks 0001_orders\.sql, /)
})

test('the owner migrates; afterwards the script narrows the rights to the list, however often it runs', async () => {
  const migrated = await runBinary(['migrate'], envAs('orders_owner'))
  expect(migrated).toMatchObject({ exitCode: 0, err: '' })
  for (let run = 0; run < 2; run++) await world.sql.unsafe(script)

  const granted = await world.sql<{ table: string; rights: string }[]>`
    select table_name as table, string_agg(distinct privilege_type, ' ' order by privilege_type) as rights
    from information_schema.role_table_grants where grantee = 'orders_runtime' group by table_name order by table_name`
  expect(Object.fromEntries(granted.map(({ table, rights }) => [table, rights]))).toEqual({
    adoption: 'SELECT',
    adoption_beginnings: 'SELECT',
    adoption_events: 'SELECT',
    adoption_openings: 'SELECT',
    adoption_refused: 'SELECT',
    cancel_after: 'INSERT SELECT UPDATE',
    cancel_sweeps: 'DELETE INSERT SELECT',
    event_publication: 'DELETE INSERT SELECT',
    event_publication_lease: 'SELECT UPDATE',
    exception_resolutions: 'INSERT SELECT',
    trade_gaps: 'INSERT SELECT',
    trading_states: 'INSERT SELECT UPDATE',
    fix_due: 'DELETE INSERT SELECT UPDATE',
    fix_sent: 'INSERT SELECT',
    fix_sessions: 'INSERT SELECT UPDATE',
    exceptions: 'INSERT SELECT',
    ingested_fills: 'INSERT SELECT',
    ingested_reports: 'INSERT SELECT',
    instruments: 'INSERT SELECT UPDATE',
    log_epochs: 'INSERT SELECT',
    order_changes: 'INSERT SELECT',
    order_endings: 'DELETE INSERT SELECT UPDATE',
    order_keys: 'INSERT SELECT',
    order_keys_fill: 'SELECT UPDATE',
    orders: 'INSERT SELECT',
    orders_migrations: 'SELECT',
    outbox: 'DELETE INSERT SELECT',
    relay_leases: 'SELECT UPDATE',
    replicas: 'DELETE INSERT SELECT UPDATE',
    report_exception_resolutions: 'INSERT SELECT',
    report_exceptions: 'INSERT SELECT',
    rules_changes: 'INSERT SELECT',
    rules_gate: 'SELECT UPDATE',
    tape_marks: 'INSERT SELECT UPDATE',
    topic_places: 'INSERT SELECT UPDATE',
  })
  const columns = await world.sql<{ column: string }[]>`
    select column_name as column from information_schema.role_column_grants
    where grantee = 'orders_runtime' and table_name = 'orders' and privilege_type = 'UPDATE' order by 1`
  expect(columns.map(({ column }) => column)).toEqual([
    'filled_notional',
    'filled_quantity',
    'last_fill_price',
    'reason_code',
    'reason_text',
    'status',
    'triggered_at',
    'updated_at',
    'version',
  ])
  const tables = await world.sql<{ name: string; owner: string }[]>`
    select relname as name, pg_get_userbyid(relowner) as owner from pg_class
    where relnamespace = 'public'::regnamespace and relkind = 'r'`
  expect(tables.filter(({ owner }) => owner !== 'orders_owner')).toEqual([])
  // A migration that makes a table has to have it in the script too.
  expect(tables.map(({ name }) => name).toSorted()).toEqual(granted.map(({ table }) => table))
})

test('a whole life of orders runs as the runtime role, on two replicas', async () => {
  const log = `${world.name}.log`
  const own = { DATABASE_URL: urlAs('orders_runtime'), DB_MIGRATE: 'false' }
  const env = { ...own, ENGINE_FEATURES: 'reports', KAFKA_TOPIC_ORDER_EVENT: log }
  const [service, beside] = [await world.start({ env }), await world.start({ env })]
  // The log is published from the first place on that is kept.
  await until(async () => (await world.sql`select from event_publication`).length > 0, { what: 'a place is kept' })
  const place = async (members: Record<string, unknown> = {}) => {
    const { status, json } = await service.post(orderBody({ quantity: 10, ...members }))
    expect(status).toBe(202)
    return String(json['id'])
  }
  const [filled, late, over] = [await place({ clientOrderId: 'once' }), await place(), await place()]
  expect(await place({ clientOrderId: 'once' })).toBe(filled)
  expect((await beside.http(`/orders/${late}/cancel`, { method: 'POST' })).status).toBe(200)
  const legs: [Record<string, unknown>, number][] = [
    [{ buyOrderId: filled, tradeId: 'part' }, 4],
    [{ buyOrderId: filled, tradeId: 'part' }, 5],
    [{ buyOrderId: filled }, 6],
    [{ buyOrderId: late }, 10],
    [{ buyOrderId: over }, 11],
    [{ buyOrderId: crypto.randomUUID() }, 1],
  ]
  await world.publishTrades(...legs.map(([leg, quantity]) => tradeOf({ ...leg, quantity })))
  await world.tradesConsumed()
  await world.outboxEmpty()

  expect((await service.http(`/orders/${filled}`)).json).toMatchObject({ status: 'FILLED', filledQuantity: 10 })
  expect((await service.http(`/orders/${late}/fills`)).json).toMatchObject({ fills: [{ late: true }] })
  expect((await service.http(`/orders?userId=${userId}&status=open`)).json).toMatchObject({ orders: [{ id: over }] })
  const { exceptions } = (await service.http('/exceptions')).json as {
    exceptions: { id: string; disposition: string }[]
  }
  expect(exceptions.map(({ disposition }) => disposition).toSorted()).toEqual(['CONFLICT', 'OVERFILL'])
  const resolution = { resolvedBy: 'ops@desk', note: 'told them' }
  expect((await service.http(`/exceptions/${exceptions[0]!.id}/resolve`, { body: resolution })).status).toBe(200)
  const ended = await place()
  await world.publishReports(reportOf({ orderId: ended, ticker: 'MSFT' }), reportOf({ orderId: ended }))
  await until(async () => (await service.http(`/orders/${ended}`)).json['status'] === 'CANCELED', {
    what: 'the engine ended an order',
  })
  const reported = (await service.http('/exceptions/reports')).json['exceptions'] as { id: string }[]
  const answer = await service.http(`/exceptions/reports/${reported[0]!.id}/resolve`, { body: resolution })
  expect(answer.status).toBe(200)
  expect(await world.kafka.readUntil(world.topics.placed, 4)).toHaveLength(4)
  expect(await world.kafka.readUntil(world.topics.cancelled, 1)).toHaveLength(1)
  expect(await world.kafka.readUntil(world.topics.deadLetters, 1)).toHaveLength(1)
  await until(async () => (await service.http('/actuator/health')).json['status'] === 'UP', { what: 'health is UP' })

  expect(await beside.stop()).toBe(0)
  const shards = 16
  await until(async () => (await service.metrics())['orders_relay_shards'] === shards, {
    what: 'the replica that is left has every lease',
  })
  // Four acceptances, two cancels, three fills.
  expect(await world.kafka.readUntil(log, 9)).toHaveLength(9)
  expect(await service.stop()).toBe(0)
  await world.kafka.deleteTopics([log])
  const complaints = [...service.log, ...beside.log].filter(({ level }) => level === 'error')
  expect(complaints.filter(({ message }) => !message.includes('kept as an exception'))).toEqual([])
  expect(JSON.stringify([...service.log, ...beside.log])).not.toContain('permission denied')
})

test('the reader verifies tables and topics', async () => {
  const verified = await runBinary(['verify', '--topics'], envAs('orders_reader'))
  expect(verified).toMatchObject({ exitCode: 0, out: expect.stringContaining('4 orders, 3 fills, 0 violations') })
})

const forbidden = [
  'create table mine (n integer)',
  'create temporary table mine (n integer)',
  'create schema mine',
  'create function mine() returns integer language sql return 1',
  'create or replace function refuse_change() returns trigger language plpgsql as $$ begin return new; end $$',
  'alter table orders add column mine integer',
  'alter table orders disable trigger all',
  'alter table orders disable trigger orders_never_deleted',
  'drop trigger orders_lawful_status on orders',
  'drop table outbox',
  'truncate orders',
  'truncate outbox',
  'delete from orders',
  'delete from ingested_fills',
  'delete from exceptions',
  'delete from ingested_reports',
  'update ingested_reports set kind = kind',
  'delete from report_exceptions',
  'delete from order_changes',
  'delete from log_epochs',
  'update orders set quantity = quantity + 1',
  'update orders set user_id = gen_random_uuid()',
  'update ingested_fills set quantity = 1',
  'update outbox set ticker = ticker',
  'update orders set position = position',
  'update order_changes set version = version',
  'update log_epochs set floor = floor',
  'update exception_resolutions set note = note',
  'update trade_gaps set note = note',
  `insert into orders_migrations (name, checksum) values ('x', 'x')`,
  'delete from orders_migrations',
  `set session_replication_role = 'replica'`,
  'alter sequence outbox_position_seq cache 20',
  `select setval('outbox_position_seq', 1)`,
  'alter sequence log_position cache 20',
  `select setval('log_position', 1)`,
  `select setval('cancel_sweeps_id_seq', 1)`,
  'create or replace function order_sort_key(id uuid, at timestamptz) returns uuid language sql immutable return id',
  'create role mine',
  'set role orders_owner',
  `copy orders to program 'cat'`,
] as const

test.each(forbidden)('the runtime role may not: %s', async (statement) => {
  expect(await codeAs('orders_runtime', statement)).toBe('42501')
})

test.each([
  'create table mine (n integer)',
  'update orders set version = version + 1',
  'delete from outbox',
  `insert into replicas (id, seen_at) values (gen_random_uuid(), now())`,
])('the reader may not: %s', async (statement) => {
  expect(await codeAs('orders_reader', statement)).toBe('42501')
})

test('a role that nobody named does not get into the database', async () => {
  await world.sql.unsafe(`create role stranger login password 'stranger'`)
  const url = new URL(world.databaseUrl)
  url.username = url.password = 'stranger'
  const sql = postgres(url.href, { max: 1 })
  expect(await failureOf(sql`select 1`)).toMatchObject({ code: '42501' })
  await sql.end()
})

test('what a later migration makes is usable at once, and its functions are not for everybody', async () => {
  const later = { name: '9999_later.sql', sql: 'create table later (n integer generated always as identity, t text)' }
  const owner = postgres(urlAs('orders_owner'), { max: 1, onnotice: () => undefined })
  await migrate(owner, { migrations: [...migrations, later], onWait: () => undefined, onApplied: () => undefined })
  await owner.end()
  const runtime = postgres(urlAs('orders_runtime'), { max: 1 })
  await runtime`insert into later (t) values ('x')`
  expect(await runtime`update later set t = 'y' returning n, t`).toEqual([{ n: 1, t: 'y' }] as never)
  expect(await runtime`delete from later`).toMatchObject({ count: 1 })
  await runtime.end()
  expect(await codeAs('orders_runtime', 'truncate later')).toBe('42501')
  await world.sql.unsafe(`drop table later; delete from orders_migrations where name = '${later.name}'`)
})

test('a schema that is behind is said in one sentence to a role that may not migrate', async () => {
  const last = migrations.at(-1)!.name
  const [row] = await world.sql`delete from orders_migrations where name = ${last} returning checksum`
  const { exitCode, out } = await runBinary(['serve'], envAs('orders_runtime', { SERVER_PORT: '0' }))
  expect({ exitCode, message: lastLine(out)['message'] }).toEqual({
    exitCode: 1,
    message: `The role orders_runtime may not change the schema, which lacks ${last}: run the subcommand migrate with the login of the owner, and serve with DB_MIGRATE=false.`,
  })
  await world.sql`insert into orders_migrations (name, checksum) values (${last}, ${String(row!['checksum'])})`
})

test('a guard that was switched off is said at the start, also to the runtime role', async () => {
  await world.sql`alter table orders disable trigger orders_lawful_status`
  const service = await world.start({ env: { DATABASE_URL: urlAs('orders_runtime'), DB_MIGRATE: 'false' } })
  expect(await service.logged('a guard of the tables is not in force')).toMatchObject({
    level: 'error',
    guard: 'trigger orders.orders_lawful_status',
    found: 'disabled',
  })
  await world.sql`alter table orders enable trigger orders_lawful_status`
  await service.stop()
})

test('sessions in which no guard fires are said at the start', async () => {
  const name = new URL(world.databaseUrl).pathname.slice(1)
  await world.sql.unsafe(`alter database "${name}" set session_replication_role = replica`)
  const service = await world.start({ env: { DATABASE_URL: urlAs('orders_runtime'), DB_MIGRATE: 'false' } })
  expect(await service.logged('guards of the tables do not fire')).toMatchObject({ level: 'error', found: 'replica' })
  await world.sql.unsafe(`alter database "${name}" reset session_replication_role`)
  await service.stop()
})

test('tables of an earlier login are handed to the owner', async () => {
  const url = await server.createDatabase('earlier')
  const sql = postgres(url, { max: 1, onnotice: () => undefined })
  await migrate(sql, { migrations, onWait: () => undefined, onApplied: () => undefined })
  await sql.unsafe(script)
  const owners = await sql`
    select distinct pg_get_userbyid(relowner) as owner from pg_class where relnamespace = 'public'::regnamespace`
  expect(owners).toEqual([{ owner: 'orders_owner' }] as never)
  for (const sequence of ['outbox_position_seq', 'log_position', 'cancel_sweeps_id_seq'])
    expect(
      await sql`
      select has_sequence_privilege('orders_runtime', ${sequence}::text, 'select') and has_sequence_privilege('orders_reader', ${sequence}::text, 'select') as readable
    `,
    ).toEqual([{ readable: true }] as never)
  await sql.end()
  const own = new URL(urlAs('orders_runtime'))
  own.pathname = '/earlier'
  const { exitCode } = await runBinary(['verify'], { ...world.env, DATABASE_URL: own.href })
  expect(exitCode).toBe(0)
})

test('row level security without a policy, as some hosts switch it on: refused, and a fill waits instead of having no order', async () => {
  const own = { DATABASE_URL: urlAs('orders_runtime'), DB_MIGRATE: 'false' }
  const service = await world.start({ env: own })
  const path = `/orders/${await placeOnceTaken(service, { quantity: 10 })}`
  const fill = tradeOf({ buyOrderId: path.split('/').at(-1), quantity: 3 })
  const letters = async (): Promise<number> => (await world.kafka.read(world.topics.deadLetters)).length
  const before = await letters()
  await world.sql`alter table orders enable row level security`
  try {
    await world.publishTrades(fill)
    await service.logged('trades cannot be applied now')
    expect((await service.http(path)).status).toBe(503)
  } finally {
    await world.sql`alter table orders disable row level security`
  }
  await until(async () => (await service.http(path)).json['filledQuantity'] === 3, { what: 'it is filled' })
  expect(await letters()).toBe(before)
  expect(await service.stop()).toBe(0)
})

test('an administrator who owns the database and may create roles, but is no superuser, can run it too', async () => {
  const own = await startPostgres({ dataDir: temporaryDir('roles-admin'), port: await freePort() })
  try {
    const superuser = postgres(own.url, { max: 1 })
    await superuser.unsafe(`create role admin login createrole createdb password 'admin'`)
    await superuser.unsafe('create database orders owner admin')
    await superuser.end()
    const urlOf = (user: string) => {
      const url = new URL(own.url)
      url.username = url.password = user
      url.pathname = '/orders'
      return url.href
    }
    const admin = postgres(urlOf('admin'), { max: 1, onnotice: () => undefined })
    await admin.unsafe(script)
    for (const role of ['orders_owner', 'orders_runtime']) await admin.unsafe(`alter role ${role} password '${role}'`)
    const migrated = await runBinary(['migrate'], { ...world.env, DATABASE_URL: urlOf('orders_owner') })
    expect(migrated.exitCode).toBe(0)
    await admin.unsafe(script)
    await admin.end()
    const verified = await runBinary(['verify'], { ...world.env, DATABASE_URL: urlOf('orders_runtime') })
    expect(verified).toMatchObject({ exitCode: 0, out: '0 orders, 0 fills, 0 violations\n' })
  } finally {
    await own.stop()
  }
})
