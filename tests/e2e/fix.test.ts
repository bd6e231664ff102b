// Proves: the compiled binary takes orders over FIX and reports them; what it says and does when it stops, when its sessions change, and when there is
// no port for it.

import { join } from 'node:path'
import { valueOf, type Field } from '../../src/fix/protocol/codec.ts'
import { hashOf } from '../../src/wire/secret.ts'
import { openFixClient, type FixClient, type FixClientOptions } from '../fix/gateway/fixClient.ts'
import { freePort } from '../stack/ports.ts'
import { createAuthority, replaceFile, writeCertificate } from '../support/certificates.ts'
import { expect, test } from '../support/explained.ts'
import { temporaryDir } from '../support/servers.ts'
import { runBinary } from '../support/service.ts'
import { until } from '../support/until.ts'
import { createWorld } from '../support/world.ts'

const password = 'a password of a test, which nobody chose'
const userId = 'b0b00000-0000-4000-8000-000000000002'
const broker = {
  id: 'broker1',
  sender: 'BROKER1',
  target: 'ORDERS',
  password: hashOf(password),
  user: userId,
  scopes: ['orders:read', 'orders:write'],
}

const writeSessions = (...rows: object[]): string => {
  const path = join(temporaryDir('fix'), 'sessions.jsonl')
  replaceSessions(path, ...rows)
  return path
}
const replaceSessions = (path: string, ...rows: object[]): void =>
  replaceFile(path, rows.map((row) => JSON.stringify(row)).join('\n'))

/** A world whose services listen for FIX at this port; an order waits for no engine. */
const createFixWorld = async (env: Record<string, string> = {}, ...rows: object[]) => {
  const [port, path] = [await freePort(), writeSessions(...(rows.length === 0 ? [broker] : rows))]
  const world = await createWorld({ env: { FIX_PORT: String(port), FIX_SESSIONS_FILE: path, ...env } })
  const client = (options: Partial<FixClientOptions> = {}) => openFixClient({ port, ...options })
  return { world, port, path, client, [Symbol.asyncDispose]: () => world[Symbol.asyncDispose]() }
}

const logon = (client: FixClient): ReturnType<FixClient['logon']> => client.logon([[554, password]])

const orderOf = (id: string): Field[] => [
  [11, id],
  [55, 'AAPL'],
  [54, '1'],
  [38, '10'],
  [40, '2'],
  [44, '187.25'],
  [59, '1'],
  [60, '20260131-12:00:00.000'],
]

const report = ({ fields }: { fields: readonly Field[] }) => ({
  id: valueOf(fields, 11),
  exec: valueOf(fields, 150),
  status: valueOf(fields, 39),
  leaves: valueOf(fields, 151),
})

test('an order is placed, reported and canceled over FIX, and is that of HTTP', async () => {
  await using fix = await createFixWorld()
  const service = await fix.world.start()
  using client = await fix.client()
  await logon(client)
  client.send('D', orderOf('one'))
  const accepted = await client.next('8')
  expect(report(accepted)).toEqual({ id: 'one', exec: '0', status: '0', leaves: '10' })
  const { json } = await service.http(`/orders/${valueOf(accepted.fields, 37)}`)
  expect(json).toMatchObject({ userId, clientOrderId: 'one', ticker: 'AAPL', status: 'NEW', price: 187.25 })

  client.send('F', [
    [11, 'two'],
    [41, 'one'],
    [55, 'AAPL'],
    [54, '1'],
    [60, '20260131-12:00:00.000'],
  ])
  expect(report(await client.next('8', 1))).toEqual({ id: 'two', exec: '4', status: '4', leaves: '0' })
  client.send('G', [[11, 'three'], [41, 'one'], ...orderOf('x').slice(1)])
  expect(valueOf((await client.next('9')).fields, 434)).toBe('2')

  const metrics = await service.metrics()
  expect(metrics).toMatchObject({ orders_fix_sessions: 1, orders_fix_connections: 1, orders_fix_unsent_bytes: 0 })
  expect(metrics['orders_fix_messages_total{direction="out",type="8"}']).toBe(2)
  client.send('5')
  await client.next('5')
  await client.closed()
  await until(async () => (await service.metrics())['orders_fix_sessions'] === 0, { what: 'it is logged out' })
  expect(await service.stop()).toBe(0)
})

test('whoever has another password, or is nobody, is told nothing', async () => {
  await using fix = await createFixWorld()
  await fix.world.start()
  for (const [options, secret] of [
    [{}, 'another'],
    [{ sender: 'BROKER2' }, password],
  ] as const) {
    using client = await fix.client(options)
    client.send('A', [
      [98, '0'],
      [108, '30'],
      [554, secret],
    ])
    await client.closed()
    expect(client.bytes()).toBe(0)
  }
})

test('SIGTERM logs it out; each order is stored and reported, or was not taken, and comes once when it is sent again', async () => {
  await using fix = await createFixWorld({ SHUTDOWN_READINESS_DELAY_MS: '0' })
  const service = await fix.world.start()
  const count = 2_000
  using client = await fix.client()
  await logon(client)
  for (let i = 0; i < count; i++) client.send('D', orderOf(`n-${i}`))
  await client.next('8')
  const stopped = service.stop()
  expect(client.textOf(await client.next('5'))).toContain('the service stops')
  client.send('5')
  await client.closed()
  expect(await stopped).toBe(0)
  const [{ stored } = { stored: -1 }] = await fix.world.sql<
    { stored: number }[]
  >`select count(*)::int4 as stored from orders`
  const [{ next, free } = { next: -1, free: false }] = await fix.world.sql<{ next: number; free: boolean }[]>`
    select next_in::int4 as next, holder is null as free from fix_sessions`
  // The logon has number 1; a logout that came in its turn counts too.
  expect([stored + 2, stored + 3]).toContain(next)
  expect(free).toBe(true)

  const again = await fix.world.start()
  using second = await fix.client({ number: client.number() })
  await logon(second)
  // Everything that was sent to us, again; and everything of ours that was not taken.
  second.send('2', [
    [7, '1'],
    [16, '0'],
  ])
  if (next < client.number()) {
    expect(valueOf((await second.next('2')).fields, 7)).toBe(String(next))
    for (let number = next; number < client.number(); number++) {
      const isOrder = number - 2 < count
      second.socket.write(
        isOrder
          ? second.bytesOf('D', orderOf(`n-${number - 2}`), number)
          : second.bytesOf(
              '4',
              [
                [123, 'Y'],
                [36, String(second.number())],
              ],
              number,
            ),
      )
      if (!isOrder) break
    }
  }
  const reported = () => second.messages.filter(({ type }) => type === '8').map(report)
  await until(() => new Set(reported().map(({ id }) => id)).size === count, { what: 'every order is reported' })
  expect(reported().every(({ exec, status }) => exec === '0' && status === '0')).toBe(true)
  const [{ total } = { total: -1 }] = await fix.world.sql<
    { total: number }[]
  >`select count(*)::int4 as total from orders`
  expect(total).toBe(count)
  expect(await again.stop()).toBe(0)
}, 180_000)

test('a session that is new in the file may log on, and one that is gone is logged out', async () => {
  await using fix = await createFixWorld()
  await fix.world.start()
  using client = await fix.client()
  await logon(client)
  replaceSessions(fix.path, { ...broker, id: 'broker2', sender: 'BROKER2' })
  await client.next('5')
  client.send('5')
  await client.closed()
  using other = await fix.client({ sender: 'BROKER2' })
  await logon(other)
})

test('over TLS a session that names a certificate needs it', async () => {
  const [authority, dir] = [createAuthority('ours'), temporaryDir('fix-tls')]
  const server = writeCertificate(dir, 'server', authority.issue('orders'))
  const ca = writeCertificate(dir, 'ca', authority)
  const env = { FIX_TLS_CERT_FILE: server.cert, FIX_TLS_KEY_FILE: server.key }
  const { password: _, ...nameless } = broker
  const row = { ...nameless, certificate: 'broker one' }
  await using fix = await createFixWorld({ ...env, FIX_TLS_CLIENT_CA_FILE: ca.cert }, row)
  await fix.world.start()
  for (const certificate of [undefined, authority.issue('broker two'), createAuthority('theirs').issue('broker one')]) {
    using refused = await fix.client({ ca: authority.cert, ...(certificate !== undefined && { certificate }) })
    if (!refused.isClosed())
      refused.send('A', [
        [98, '0'],
        [108, '30'],
      ])
    await refused.closed()
    expect(refused.bytes()).toBe(0)
  }
  using client = await fix.client({ ca: authority.cert, certificate: authority.issue('broker one') })
  await client.logon()
  client.send('D', orderOf('one'))
  expect(report(await client.next('8'))).toMatchObject({ id: 'one', exec: '0' })

  // A certificate that is renewed on disk is shown without a restart.
  const next = createAuthority('next')
  writeCertificate(dir, 'server', next.issue('orders'))
  await until(
    async () => {
      using later = await fix.client({ ca: next.cert })
      return !later.isClosed()
    },
    { what: 'the renewed certificate is shown' },
  )
  expect(client.isClosed()).toBe(false)
})

test.each<[string, () => Record<string, string>, string]>([
  ['without a file', () => ({}), 'FIX_SESSIONS_FILE is required with FIX_PORT'],
  ['with a file that is not there', () => ({ FIX_SESSIONS_FILE: '/nowhere/sessions' }), 'the file cannot be used'],
  [
    'with a session without a user',
    () => ({ FIX_SESSIONS_FILE: writeSessions({ ...broker, user: null }) }),
    'FIX_SESSIONS_FILE: the file cannot be used: session 1: needs a user, or accounts',
  ],
  [
    'with a session whose certificate nobody asks for',
    () => ({ FIX_SESSIONS_FILE: writeSessions(broker, { ...broker, id: 'b', sender: 'B', certificate: 'b' }) }),
    'session 2: certificate needs FIX_TLS_CLIENT_CA_FILE',
  ],
])('%s it does not start, and says so in one line', async (_, env, fault) => {
  const { exitCode, out, err } = await runBinary(['serve'], {
    DATABASE_URL: 'postgres://app@127.0.0.1:1/orders',
    FIX_PORT: String(await freePort()),
    ...env(),
  })
  expect(exitCode).toBe(2)
  expect(out + err).toContain(fault)
})

test('without a port there is none, and nothing is counted of it', async () => {
  await using world = await createWorld({ env: { FIX_SESSIONS_FILE: writeSessions(broker) } })
  const service = await world.start()
  const metrics = Object.keys(await service.metrics()).filter((name) => name.includes('_fix_'))
  expect(metrics).toEqual([])
  expect((await service.metrics())['orders_db_pool_max_connections{pool="fix"}']).toBeUndefined()
  expect(service.log.filter(({ message }) => message.includes('FIX'))).toEqual([])
})

test('a port that another process has is said, and the service does not start', async () => {
  const taken = Bun.listen({ hostname: '0.0.0.0', port: 0, socket: { data: () => undefined } })
  await using fix = await createFixWorld({ FIX_PORT: String(taken.port) })
  const service = await fix.world.start({ wait: 'nothing' })
  expect(await service.exited).toBe(1)
  expect(service.log.some(({ message }) => message.includes(`cannot listen on 0.0.0.0:${taken.port}`))).toBe(true)
  taken.stop(true)
})
