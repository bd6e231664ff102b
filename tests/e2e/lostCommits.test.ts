// Proves: after the promotion of a standby that lags, and after a recovery to a point in time, whoever read what was lost begins anew, and
// everybody else goes on without a gap; with the group's offsets set back, `verify --topics` names the lost orders and nothing else.

import { join } from 'node:path'
import postgres from 'postgres'
import { freePort } from '../stack/ports.ts'
import { databaseUrl, startPostgres, type PostgresServer } from '../stack/postgres.ts'
import { cursorOf, eventsAfter } from '../support/eventPages.ts'
import { openEventStream } from '../support/eventStream.ts'
import { expect, test } from '../support/explained.ts'
import { logOf } from '../support/logRows.ts'
import { placeOnceTaken } from '../support/placeOrder.ts'
import { temporaryDir } from '../support/servers.ts'
import { runBinary, type RunningService } from '../support/service.ts'
import { caughtUp, cutOff, startArchiving, startStandby } from '../support/standby.ts'
import { until } from '../support/until.ts'
import { createWorld, tradeOf, type World } from '../support/world.ts'

const dir = temporaryDir('lost')

const filled = async (world: World, id: string, quantity: number): Promise<void> => {
  await world.publishTrades(tradeOf({ buyOrderId: id, quantity }))
  await world.tradesConsumed()
}

/** The same database on another server. */
const urlOn = (server: PostgresServer, world: World): string =>
  databaseUrl(server.url, new URL(world.databaseUrl).pathname.slice(1))

const logged = async (url: string): Promise<string[]> => {
  const sql = postgres(url, { max: 1 })
  try {
    return (await logOf({ sql })).map(({ order, version }) => `${order} ${version}`)
  } finally {
    await sql.end()
  }
}

/** What was kept and what was lost: two orders that stay, one of them with a fill that is lost, and an order that is lost altogether. */
const losing = async (world: World, service: RunningService, onKept: () => Promise<void>) => {
  const begin = await cursorOf(service)
  const [kept, touched] = [
    await placeOnceTaken(service, { quantity: 10 }),
    await placeOnceTaken(service, { quantity: 10 }),
  ]
  await filled(world, kept, 4)
  const early = (await eventsAfter(service, begin)) as { seen: string[]; cursor: string }
  expect(early.seen).toHaveLength(3)
  const behind = await placeOnceTaken(service, { quantity: 10 })
  await world.outboxEmpty()
  await onKept()
  const onTime = (await eventsAfter(service, early.cursor)) as { seen: string[]; cursor: string }
  expect(onTime.seen).toEqual([`${behind} 0`])
  await filled(world, touched, 3)
  const lost = await placeOnceTaken(service, { quantity: 10 })
  const late = (await eventsAfter(service, onTime.cursor)) as { seen: string[]; cursor: string }
  expect(late.seen).toEqual([`${touched} 1`, `${lost} 0`])
  await world.outboxEmpty()
  return { begin, early: early.cursor, onTime: onTime.cursor, late: late.cursor, lost, touched }
}

type Lost = Awaited<ReturnType<typeof losing>>

/** The service on what is left: cursors, then the group set back, then `verify`. */
const goOn = async (world: World, url: string, { begin, early, onTime, late, lost, touched }: Lost): Promise<void> => {
  await world.kafka.rewind(world.group, world.topics.trades)
  const service = await world.start({ env: { DATABASE_URL: url } })
  expect((await service.http(`/orders/${lost}`)).status).toBe(404)
  const more = await placeOnceTaken(service, { quantity: 10 })
  await world.tradesConsumed()
  const log = await logged(url)
  expect(log.slice(-2).toSorted()).toEqual([`${more} 0`, `${touched} 1`].toSorted())
  const after = async (cursor: string): Promise<unknown> => {
    const answer = await eventsAfter(service, cursor)
    return 'seen' in answer ? answer.seen.toSorted() : answer
  }
  expect(await after(begin)).toEqual(log.toSorted())
  expect(await after(early)).toEqual(log.slice(3).toSorted())
  expect(await after(onTime)).toEqual(log.slice(4).toSorted())
  expect(await after(late)).toEqual({ reason: 'OTHER_DATABASE' })
  const stream = await openEventStream(`${service.url}/orders/stream`, { headers: { 'last-event-id': late } })
  await stream.seen(({ event }) => event === 'live', 'the stream is live')
  expect(stream.events().map(({ event }) => event)).toEqual(['reset', 'snapshot', 'live'])
  stream.close()

  const sql = postgres(url, { max: 1 })
  await until(async () => (await sql`select from outbox limit 1`).length === 0, { what: 'the outbox is empty' })
  await sql.end()
  const { exitCode, out } = await runBinary(['verify', '--topics'], { ...world.env, DATABASE_URL: url })
  expect(exitCode).toBe(1)
  const violations = out.split('\n').filter((line) => !line.startsWith('note: ') && line !== '')
  expect(violations).toEqual([
    expect.stringMatching(new RegExp(`^event .*: extra: order: expected an order with id ${lost}, found nothing$`)),
    expect.stringMatching(/^4 orders, 2 fills, 1 violations$/),
  ])
  expect(await service.stop()).toBe(0)
}

test('a standby that lags is promoted', async () => {
  const first = await startPostgres({ dataDir: join(dir, 'first'), port: await freePort() })
  const second = await startStandby(first, join(dir, 'second'))
  const world = await createWorld({ postgresAt: first.url })
  try {
    const service = await world.start()
    const lost = await losing(world, service, async () => {
      await caughtUp(first, second)
      await cutOff(second)
    })
    await first.kill()
    await service.kill()
    const sql = postgres(urlOn(second, world), { max: 1 })
    await sql`select pg_promote()`
    await sql.end()
    await goOn(world, urlOn(second, world), lost)
  } finally {
    await world[Symbol.asyncDispose]()
    await Promise.all([first.stop(), second.stop()])
  }
})

test('a server is recovered to a point in time', async () => {
  const first = await startArchiving(join(dir, 'archiving'))
  const world = await createWorld({ postgresAt: first.url })
  let recovered: PostgresServer | undefined
  try {
    const service = await world.start()
    let at = ''
    const lost = await losing(world, service, async () => {
      at = await first.now()
    })
    await service.kill()
    recovered = await first.recover(join(dir, 'recovered'), at)
    await goOn(world, urlOn(recovered, world), lost)
  } finally {
    await world[Symbol.asyncDispose]()
    await Promise.all([first.stop(), recovered?.stop()])
  }
})
