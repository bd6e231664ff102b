// Proves: no statement of a running service looks at more rows than its answer needs, in tables that are large already, whatever Postgres knows
// of them. Everything that clients, engines, firms and operators do is done once, and the server itself says how it did each statement.

import { join } from 'node:path'
import { hashOf } from '../../src/wire/secret.ts'
import { freePort } from '../stack/ports.ts'
import { startPostgres } from '../stack/postgres.ts'
import { excessOf, explainingServer, readPlans } from '../support/autoExplain.ts'
import { cursorOf } from '../support/eventPages.ts'
import { afterAll, expect, test } from '../support/explained.ts'
import { deskUser, fillTables, fixSessionId, storeReadyReports, userOf } from '../support/largeTables.ts'
import { temporaryDir } from '../support/servers.ts'
import { runBinary, type RunningService } from '../support/service.ts'
import { until } from '../support/until.ts'
import { createWorld } from '../support/world.ts'
import { follow, readLists, readOrders } from './plans/asking.ts'
import { byDesign } from './plans/byDesign.ts'
import { fixPassword, tradeOverFix } from './plans/firm.ts'
import { armSwitches, changeRules, placeAndCancel, reportEnds, resolveSome, tradeAndStop } from './plans/trading.ts'

/** Below this, reading the whole table costs Postgres less than looking up the rows of a batch one by one. */
const orders = 120_000
/** Of one transaction: as many as a large batch stores. */
const perTransaction = 500
const topic = `plans-events-${crypto.randomUUID().slice(0, 8)}`

const tables = [
  'orders',
  'ingested_fills',
  'order_changes',
  'ingested_reports',
  'order_keys',
  'order_endings',
  'outbox',
  'exceptions',
  'exception_resolutions',
  'report_exceptions',
  'report_exception_resolutions',
  'instruments',
  'trading_states',
  'rules_changes',
  'cancel_sweeps',
  'cancel_after',
  'event_publication',
  'fix_sessions',
  'fix_sent',
  'fix_due',
  'relay_leases',
  'tape_marks',
]

const dataDir = temporaryDir('plans')
const server = await startPostgres({ dataDir, port: await freePort(), settings: { ...explainingServer, fsync: 'off' } })
const fixPort = await freePort()
const sessionsFile = join(temporaryDir('fix'), 'sessions.jsonl')
const session = { id: fixSessionId, sender: 'BROKER1', target: 'ORDERS', password: hashOf(fixPassword), user: deskUser }
await Bun.write(sessionsFile, JSON.stringify({ ...session, scopes: ['orders:read', 'orders:write'] }))
const world = await createWorld({
  postgresAt: server.url,
  env: {
    KAFKA_TOPIC_ORDER_EVENT: topic,
    FIX_PORT: String(fixPort),
    FIX_SESSIONS_FILE: sessionsFile,
    IMMEDIATE_GRACE_MS: '1',
    EXPIRY_SETTLE_MS: '0',
    EVENTS_RESUME_MAX_EVENTS: '100000000',
    // Each poll writes its plan.
    EVENTS_POLL_MS: '200',
    STOP_TRADE_TOLERANCE_MS: '600000',
    // What takes too long is to be seen as what it looked at.
    DB_STATEMENT_TIMEOUT_MS: '100000',
  },
})
afterAll(async () => {
  await world.kafka.deleteTopics([topic]).catch(() => undefined)
  await world[Symbol.asyncDispose]()
  await server.stop()
})

/** Makes the tables large behind the back of Postgres: it takes them for empty. Answers a cursor from before. */
const makeLarge = async (): Promise<string> => {
  const service = await world.start()
  const cursor = await cursorOf(service)
  await service.stop()
  await world.sql.unsafe('vacuum analyze')
  await fillTables(world.sql, { orders, perTransaction })
  // As after the upgrade from a version without the table of keys.
  await world.sql`update order_keys_fill set finished_at = null`
  await world.sql`create unique index orders_by_client_order_id on orders (user_id, client_order_id) where client_order_id is not null`
  return cursor
}

const expireOld = async (): Promise<void> => {
  for (const args of [['--ticker', 'T50'], ['--user', userOf(50)], []]) {
    const { exitCode, err } = await runBinary(['expire', '--older-than', '10d', ...args], world.env)
    if (exitCode !== 0) throw new Error(err)
  }
}

const idle = () =>
  until(
    async () => {
      const [row] = await world.sql`
        select not exists (select from order_endings) and not exists (select from outbox) and not exists (select from cancel_sweeps where done_at is null)
               and not exists (select from orders where open and expires_at < now()) and not exists (select from cancel_after where fires_at < now()) as idle`
      return row!['idle'] as boolean
    },
    { what: 'everything that was to be ended is', deadlineMs: 600_000 },
  )

const keysFilled = () =>
  until(async () => (await world.sql`select from order_keys_fill where finished_at is not null`).length === 1, {
    what: 'the keys are filled in',
    deadlineMs: 600_000,
  })

/** What an engine without reports has to do with. */
const playAll = async (service: RunningService, cursor: string): Promise<void> => {
  await placeAndCancel(service)
  await readLists(service)
  await readOrders(service)
  await keysFilled()
  await placeAndCancel(service)
  await tradeAndStop(world, service)
  await changeRules(service)
  await resolveSome(service)
  await armSwitches(service)
  await follow(service, cursor)
  await tradeOverFix(service, fixPort)
  await expireOld()
  await idle()
  await service.http(`/orders?userId=${deskUser}`, { method: 'DELETE' })
  await service.stop()
}

test('no statement looks at many more rows than it gives or changes, nor compares sets row by row', async () => {
  const cursor = await makeLarge()
  await playAll(await world.start(), cursor)
  await storeReadyReports(world.sql, 400)
  const service = await world.start({ env: { ENGINE_FEATURES: 'reports,display,post-only' } })
  await reportEnds(world, service)
  await service.stop()

  const ran = readPlans(join(dataDir, 'postgres.log')).filter(({ application }) => application === 'orders')
  const excess = new Map<string, string[]>()
  const used = new Set<string>()
  for (const one of ran) {
    const exception = byDesign.find(({ clause }) => one.text.includes(clause))
    if (exception !== undefined) used.add(exception.clause)
    const found = excessOf(one, exception)
    if (found.length > 0) excess.set(`${one.text} [${one.settings}]`, found)
  }
  expect([...excess]).toEqual([])
  // And everything was played.
  expect(tables.filter((table) => !ran.some(({ scanned }) => table in scanned))).toEqual([])
  expect(byDesign.filter(({ clause }) => !used.has(clause))).toEqual([])
})
