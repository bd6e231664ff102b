// Proves: a stream and polling show a caller what lists show it and nothing else, for as long as its credential is good and no longer;
// and one caller cannot take all streams.

import { afterAll, afterEach, beforeAll, describe, expect, test } from 'bun:test'
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createStreams } from '../../src/app/streams.ts'
import { keyText } from '../../src/http/gates/auth/apiKey.ts'
import { createKeyCheck } from '../../src/http/gates/auth/apiKeys.ts'
import { hashOf, newSecret } from '../../src/wire/secret.ts'
import { createTestLog, refusal } from '../http/harness.ts'
import { createFakeFollow, type FakeFollower } from '../http/stream/fakeFollow.ts'
import { openEventStream, type EventStreamClient } from '../support/eventStream.ts'
import { temporaryDir } from '../support/servers.ts'
import { until } from '../support/until.ts'
import { alice, bob, openSecured, type Secured } from './securedWorld.ts'

const fake = createFakeFollow()
const streams = createStreams({ follow: fake.follow, max: 10, perCallerMax: 2 })
let world: Secured
beforeAll(async () => {
  world = await openSecured({ server: { streams, heartbeatMs: 200 } })
})
afterAll(() => world.close())

const clients: EventStreamClient[] = []
afterEach(async () => {
  for (const client of clients.splice(0)) client.close()
  await until(() => streams.state().open === 0, { what: 'all streams are closed' })
})

const open = async (as: string, query = ''): Promise<{ client: EventStreamClient; follower: FakeFollower }> => {
  const client = await openEventStream(`http://127.0.0.1:${world.port}/orders/stream${query}`, {
    headers: { authorization: `Bearer ${as}` },
  })
  clients.push(client)
  expect(client.status).toBe(200)
  return { client, follower: fake.followers.at(-1)! }
}
const noOrder = '00000000-0000-0000-0000-000000000000'
const someOrder = '0197a9b0-0000-7000-8000-000000000001'

describe('what a caller may follow', () => {
  const filters = async (as: string, query: string) => {
    const { client, follower } = await open(as, query)
    client.close()
    await until(() => streams.state().open === 0, { what: 'the stream is closed' })
    expect((await world.call('GET', `/events${query}`, { as })).status).toBe(200)
    expect(fake.pages.at(-1)!.filter).toEqual(follower.filter)
    return follower.filter
  }

  test('is its own orders, whatever it asks for', async () => {
    const as = world.keys.alice
    expect(await filters(as, '')).toEqual({ userId: alice })
    expect(await filters(as, `?userId=${alice.toUpperCase()}&ticker=AAPL`)).toEqual({ userId: alice, ticker: 'AAPL' })
    expect(await filters(as, `?orderId=${someOrder}`)).toEqual({ userId: alice, orderId: someOrder })
  })

  test('is nothing where it names another user', async () => {
    const nothing = { userId: alice, orderId: noOrder }
    expect(await filters(world.keys.alice, `?userId=${bob}`)).toEqual(nothing)
    expect(await filters(world.keys.alice, `?userId=${bob}&orderId=${someOrder}`)).toEqual(nothing)
    expect(await filters(await world.token(alice, 'orders:read'), `?userId=${bob}`)).toEqual(nothing)
  })

  test('is everything for an administrator', async () => {
    expect(await filters(world.keys.admin, '')).toEqual({})
    expect(await filters(world.keys.admin, `?userId=${bob}`)).toEqual({ userId: bob })
  })

  test('needs the scope, also to poll', async () => {
    const as = await world.token(alice, 'orders:write')
    for (const path of ['/orders/stream', '/events'])
      expect((await world.call('GET', path, { as })).headers.get('www-authenticate')).toContain('scope="orders:read"')
  })
})

describe('a stream outlives its credential by nothing', () => {
  const endOf = async (client: EventStreamClient): Promise<string | undefined> => {
    await client.ended
    return client.blocks.at(-1)!.comment
  }
  const gone = 'the credential is not good any more'

  test('a token that expires', async () => {
    // The tolerance for clocks is 5 s: it is good for two more, and a part of a third.
    const token = await world.token(alice, 'orders:read', { expiresIn: -2 })
    const { client, follower } = await open(token)
    follower.give({ kind: 'live', cursor: 'c1' })
    expect(await endOf(client)).toBe(gone)
    expect(client.lastId()).toBe('c1')
    expect(follower.isClosed()).toBeTrue()
    expect((await world.call('GET', '/orders/stream', { as: token })).status).toBe(401)
  })

  test('one that is good goes on over many looks', async () => {
    const { client } = await open(await world.token(alice, 'orders:read'))
    const { client: keyed } = await open(world.keys.alice)
    for (const one of [client, keyed])
      await until(() => one.blocks.filter(({ comment }) => comment === '').length >= 4, { what: 'four heartbeats' })
    expect([client.isOver(), keyed.isOver()]).toEqual([false, false])
  })

  test.each([
    ['is taken out of the file', () => ''],
    ['loses its scope', (line: string) => line.replace('orders:read', 'orders:write')],
    ['becomes another user’s', (line: string) => line.replace(alice, bob)],
  ])('an API key that %s', async (_, change) => {
    const path = join(temporaryDir('streamKeys'), `${crypto.randomUUID()}.jsonl`)
    const secret = newSecret()
    const line = JSON.stringify({ id: 'one', hash: hashOf(secret), subject: alice, scopes: ['orders:read'] })
    const other = JSON.stringify({ id: 'two', hash: hashOf(newSecret()), subject: bob, scopes: ['orders:read'] })
    writeFileSync(path, `${other}\n`)
    appendFileSync(path, `${line}\n`)
    const authentication = { tokens: null, keys: createKeyCheck(path, createTestLog().log, Date.now), failures: null }
    const keyed = await openSecured({ guard: { authentication }, server: { streams, heartbeatMs: 200 } })
    const headers = { 'x-api-key': keyText({ id: 'one', secret }) }
    const client = await openEventStream(`http://127.0.0.1:${keyed.port}/orders/stream`, { headers })
    await client.seen(({ comment }) => comment === '', 'a heartbeat')
    writeFileSync(path, readFileSync(path, 'utf8').replace(line, change(line)))
    expect(await endOf(client)).toBe(gone)
    await keyed.close()
  })
})

test('one caller cannot take the streams of the others', async () => {
  const first = [await open(world.keys.alice), await open(world.keys.reader)]
  const third = await world.call('GET', '/orders/stream', { as: await world.token(alice, 'orders:read') })
  expect(refusal(third)).toEqual({ status: 429, code: 'RATE_LIMITED', pointers: [] })
  await open(world.keys.bob)
  first[0]!.client.close()
  await until(() => streams.state().open === 2, { what: 'one is closed' })
  await open(world.keys.alice)
})
