// Proves: the compiled service goes through FIX's order state matrices as FIX says, in every row that applies to it, for a firm that speaks FIX to
// it by QuickFIX/J, and each event of each order is reported to the firm once, in order.

import { binary } from '../support/binary.ts'
import { expect, test } from '../support/explained.ts'
import { ownFixWorld } from './client/fixWorld.ts'
import { clientCommand } from './client/quickfixj.ts'
import { sessionRow } from './client/sessions.ts'
import { eachEventOnce } from './client/told.ts'
import { clientDoor } from './clientDoor.ts'
import { playsOf } from './forms.ts'
import { scenarios } from './matrices.ts'
import { count, playRow } from './play.ts'

/** The next minute that is far enough away for a day order to be placed and to be filled before: a close has no seconds. */
const nextClose = (fromNowMs: number): string => new Date(Date.now() + fromNowMs + 60_000).toISOString().slice(11, 16)

// Both may have to be built, which takes longer than until the close.
await Promise.all([binary(), clientCommand()])

const {
  world,
  service,
  session: sessionOf,
} = await ownFixWorld([sessionRow('desk')], {
  SESSION_CLOSE: nextClose(45_000),
  EXPIRY_SETTLE_MS: '500',
  ENGINE_FEATURES: 'reports',
})
const session = sessionOf('desk')
await session.open()
await session.loggedOn()
const door = clientDoor(world, service, session, { reports: true })

const rows = scenarios.filter((row) => playsOf(row).length > 0)
// All rows at once: most of their time is waiting, for a close among other things.
const plays = new Map(rows.map((row) => [row.id, playRow(row, door)]))

test.each(rows.map(({ id, title }) => [id, title] as const))('%s %s', async (id) => {
  expect(await plays.get(id)!).toEqual([])
})

test('every row has its place in the count', async () => {
  const results = new Map<string, readonly string[]>()
  for (const [id, play] of plays) results.set(id, await play)
  const { line, faults } = count(scenarios, results)
  console.log(`FIX, by QuickFIX/J: ${line}`)
  expect(faults).toEqual([])
})

test('each event of each order was reported once, and QuickFIX/J refused no message of the service', async () => {
  await Promise.all(plays.values())
  const orders = await world.sql<{ id: string }[]>`select id from orders`
  await eachEventOnce(
    session,
    service,
    orders.map(({ id }) => id),
  )
  const refused = session.happened.filter(({ event, message }) => event === 'sending' && /^[3j]$/.test(message!.type))
  expect(refused).toEqual([])
})
