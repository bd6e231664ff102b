// Proves: the health of the gRPC door is the readiness of HTTP, through a start without Postgres, an outage, and the stop.

import { freePort } from '../stack/ports.ts'
import { expect, test } from '../support/explained.ts'
import { postgresServer } from '../support/servers.ts'
import { createTcpProxy } from '../support/tcpProxy.ts'
import { until } from '../support/until.ts'
import { createWorld } from '../support/world.ts'
import { endOf, openGrpcClient, type Json, type Stream } from './client.ts'

/** The statuses that a watcher was told. */
const statusesOf = (stream: Stream): unknown[] => {
  const seen: unknown[] = []
  stream.on('data', ({ status }: Json) => seen.push(status))
  return seen
}

test('it says when orders can be placed: not before Postgres is there, not while it is away, not once the service stops', async () => {
  await using world = await createWorld()
  const target = { host: '127.0.0.1', port: Number(new URL((await postgresServer()).url).port) }
  await using door = await createTcpProxy(target)
  const url = new URL(world.databaseUrl)
  url.port = String(door.port)
  const port = await freePort()
  const env = { DATABASE_URL: url.href, GRPC_PORT: String(port), DB_CONNECT_TIMEOUT_MS: '3000' }
  const service = await world.start({ wait: 'live', env })
  const client = openGrpcClient(port)
  const [all, orders, other] = ['', 'orders.v1.Orders', 'other'].map((name) => {
    const stream = client.watchHealth(name)
    return {
      seen: statusesOf(stream),
      ended: endOf(stream),
      check: async () => (await client.checkHealth(name)).value?.['status'],
    }
  })
  await until(() => other!.seen.length === 1 && all!.seen.length === 1, { what: 'all are told' })
  expect([await all!.check(), await orders!.check()]).toEqual(['NOT_SERVING', 'NOT_SERVING'])
  expect((await client.checkHealth('other')).code).toBe(5)
  const refused = await client.call('Get', { id: '0193e5a0-0000-7000-8000-0000000000ff' })
  expect(refused.code).toBe(14)

  await door.open()
  await service.ready()
  await until(async () => (await orders!.check()) === 'SERVING', { what: 'it serves' })
  await door.shut()
  await until(async () => (await all!.check()) === 'NOT_SERVING', { what: 'it notices the outage' })
  await door.open()
  await until(async () => (await all!.check()) === 'SERVING', { what: 'it serves again' })
  await until(() => all!.seen.length === 4 && orders!.seen.length === 4, { what: 'the watchers know too' })

  const stopped = service.stop()
  expect(await Promise.all([all!.ended, orders!.ended, other!.ended])).toMatchObject([
    { code: 0 },
    { code: 0 },
    { code: 0 },
  ])
  const told = ['NOT_SERVING', 'SERVING', 'NOT_SERVING', 'SERVING', 'NOT_SERVING']
  expect([all!.seen, orders!.seen, other!.seen]).toEqual([told, told, ['SERVICE_UNKNOWN']])
  expect(await stopped).toBe(0)
  client.close()
})
