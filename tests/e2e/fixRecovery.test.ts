// Proves: a firm hears of every event of its orders once, over lost connections, its own death, a weekend, an orderly restart and the death of
// a replica, which another takes over from; and no order is lost or placed twice.

import { about, orderFields, placed } from '../fix/client/fields.ts'
import { createFirm, type FirmSession } from '../fix/client/firm.ts'
import { sessionRow, sessionsFile, settingsFor } from '../fix/client/sessions.ts'
import { eachEventOnce } from '../fix/client/told.ts'
import { freePort } from '../stack/ports.ts'
import { afterAll, expect, test } from '../support/explained.ts'
import { until } from '../support/until.ts'
import { createWorld, tradeOf, type World } from '../support/world.ts'

const user = (n: number): string => `00000000-0000-4000-8000-00000000000${n}`
const names = ['cut', 'dies', 'weekend', 'restart', 'two']
const world: World = await createWorld({
  env: {
    FIX_SESSIONS_FILE: await sessionsFile(names.map((name, at) => sessionRow(name, { user: user(at + 1) }))),
  },
})
afterAll(() => world[Symbol.asyncDispose]())
const ports = [await freePort(), await freePort()] as const
const start = (at: 0 | 1) => world.start({ env: { FIX_PORT: String(ports[at]) } })
let service = await start(0)
const firm = createFirm()
afterAll(() => firm[Symbol.asyncDispose]())

const sessionOf = (name: string, more: Record<string, string> = {}): FirmSession =>
  firm.session(name, { ...settingsFor(name, ports[0]), ...more })
const opened = async (session: FirmSession): Promise<FirmSession> => {
  await session.open()
  await session.loggedOn()
  return session
}
const ordersOf = async (name: string): Promise<string[]> => {
  const rows = await world.sql<{ id: string }[]>`
    select id from orders where user_id = ${user(names.indexOf(name) + 1)}::uuid order by id`
  return rows.map(({ id }) => id)
}
const keysOf = async (name: string): Promise<string[]> => {
  const rows = await world.sql<{ key: string }[]>`
    select client_order_id as key from orders where user_id = ${user(names.indexOf(name) + 1)}::uuid order by id`
  return rows.map(({ key }) => key)
}
const fill = async (ids: readonly string[], quantity: number): Promise<void> => {
  await world.publishTrades(...ids.map((buyOrderId) => tradeOf({ buyOrderId, quantity })))
  await world.tradesConsumed()
}
const some = (prefix: string, count: number): string[] => Array.from({ length: count }, (_, n) => `${prefix}-${n}`)

test('connections that are cut while orders are under way', async () => {
  const session = await opened(sessionOf('cut'))
  const keys = some('cut', 60)
  for (const [at, key] of keys.entries()) {
    session.send('D', orderFields(key))
    if (at % 20 === 10) session.cut()
  }
  await Promise.all(keys.map((key) => about(session, key, { 150: 0 })))
  expect((await keysOf('cut')).toSorted()).toEqual(keys.toSorted())
  await fill(await ordersOf('cut'), 10)
  await eachEventOnce(session, service, await ordersOf('cut'))
  await session.stop()
})

test('a firm that dies, and comes back with its files', async () => {
  const session = await opened(sessionOf('dies'))
  const keys = some('dies', 40)
  for (const key of keys.slice(0, 20)) session.send('D', orderFields(key))
  await about(session, keys[5]!, { 150: 0 })
  await firm.kill()
  await opened(session)
  for (const key of keys.slice(20)) session.send('D', orderFields(key))
  await Promise.all(keys.slice(20).map((key) => about(session, key, { 150: 0 })))
  const stored = await keysOf('dies')
  expect(new Set(stored).size).toBe(stored.length)
  // What the firm had written into its files reached the service, then or now.
  const sent = session.happened.flatMap(({ event, message }) =>
    event === 'sending' && message!.type === 'D' ? [message!.fields[11]!] : [],
  )
  for (const key of stored) expect(sent).toContain(key)
  for (const key of keys.slice(20)) expect(stored).toContain(key)
  await fill(await ordersOf('dies'), 10)
  await eachEventOnce(session, service, await ordersOf('dies'))
  await session.stop()
})

test('a weekend: what happened to 600 orders while the firm was away is told when it is back, in order', async () => {
  const session = await opened(sessionOf('weekend'))
  const keys = some('weekend', 600)
  for (const key of keys) session.send('D', orderFields(key))
  await until(() => session.received().length >= keys.length, { what: 'all are accepted' })
  await session.stop()
  const ids = await ordersOf('weekend')
  await fill(ids, 10)
  await fill(ids.slice(0, 300), 90)
  const { status } = await service.http(`/orders?userId=${user(3)}`, { method: 'DELETE' })
  expect(status).toBe(200)
  await opened(session)
  await eachEventOnce(session, service, ids)
  await session.stop()
})

test('an orderly restart logs the firm out, and it goes on with the next start', async () => {
  const session = await opened(sessionOf('restart'))
  const first = await placed(session, 'restart-1')
  const from = session.happened.length
  expect(await service.stop()).toBe(0)
  await session.admin('5', from)
  session.send('D', orderFields('restart-2'))
  service = await start(0)
  await about(session, 'restart-2', { 150: 0 })
  await fill(await ordersOf('restart'), 100)
  await eachEventOnce(session, service, await ordersOf('restart'))
  expect(await keysOf('restart')).toEqual(['restart-1', 'restart-2'])
  expect((await ordersOf('restart'))[0]).toBe(first)
  await session.stop()
})

test('another replica takes the session over within seconds of kill -9', async () => {
  const other = await start(1)
  const session = await opened(
    sessionOf('two', { SocketConnectHost1: '127.0.0.1', SocketConnectPort1: String(ports[1]) }),
  )
  const keys = some('two', 100)
  for (const key of keys.slice(0, 50)) session.send('D', orderFields(key))
  await about(session, keys[20]!, { 150: 0 })
  const killedAt = performance.now()
  await service.kill()
  for (const key of keys.slice(50)) session.send('D', orderFields(key))
  await Promise.all(keys.map((key) => about(session, key, { 150: 0 })))
  expect(performance.now() - killedAt).toBeLessThan(60_000)
  expect(await keysOf('two')).toHaveLength(keys.length)
  await fill(await ordersOf('two'), 10)
  await eachEventOnce(session, other, await ordersOf('two'))
  await session.stop()
})
