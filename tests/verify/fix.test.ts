// Proves: verify names whatever of a session of FIX disagrees with its numbers or with the log, and nothing else.

import { describe, expect, test } from 'bun:test'
import { cancelFixBatch } from '../../src/app/fixOrders.ts'
import { createFoundLocked } from '../../src/app/foundLocked.ts'
import { advanceFixSession, reportInFixSessions } from '../../src/store/fixSent.ts'
import { takeFixSession } from '../../src/store/fixSessions.ts'
import { readHead } from '../../src/store/log.ts'
import { placeAtHead } from '../../src/tail/chunk.ts'
import { encodeCursor } from '../../src/tail/cursor.ts'
import { firstSent, verifySentPage } from '../../src/verify/fixSql.ts'
import { createReportsWorld } from '../fix/gateway/reportsWorld.ts'
import { session as sessionOf } from '../fix/orders/someSession.ts'
import { anEvent, aPlacement, newId } from '../support/builders.ts'
import { createDatabase } from '../support/database.ts'
import { corrupt } from '../support/seed.ts'
import { placeAll } from '../support/storeOrders.ts'
import { verify } from './verified.ts'

const session = 'FIRM->ORDERS'
const at = new Date()

/** Five numbers sent, two of them reports, one a message of the session; message 1 waits for its answer. */
const aSession = async (database: Awaited<ReturnType<typeof createDatabase>>): Promise<string> => {
  const db = database.open()
  const { sql } = database
  const { epoch } = (await takeFixSession(sql, { session, replicaId: crypto.randomUUID(), ttlMs: 3_600_000 }))!
  const placement = aPlacement({ clientOrderId: 'a' })
  await placeAll(db, [placement])
  const { id, userId } = placement.order
  const request = {
    message: { session, epoch, number: 1, request: '{}' },
    key: { userId, clientOrderId: 'f' },
    target: null,
    heldBack: null,
    reason: { code: 'USER_CANCELED', text: null },
    cause: { kind: 'fix', session },
    event: anEvent(),
  } as const
  const keyFill = { isDone: () => Promise.resolve(true) }
  await cancelFixBatch(db, [request], {
    now: at,
    keyFill,
    foundLocked: createFoundLocked(),
    onCommitted: () => undefined,
  })
  await advanceFixSession(sql, {
    session,
    epoch,
    attempt: newId(),
    out: [Buffer.from('8'), null, Buffer.from('9')],
    at,
  })
  const place = placeAtHead(await readHead(sql))!
  const to = { logEpoch: place.epoch, cursor: encodeCursor(place, at.getTime()) }
  const events = [{ orderId: id, version: 0 }]
  await reportInFixSessions(sql, [{ session, epoch, attempt: newId(), from: null, to, events, at }])
  return id
}

test('a session with reports, answers, and a message that waits is clean', async () => {
  await using database = await createDatabase()
  await aSession(database)
  expect((await verify(database)).violations).toEqual([])
  const pages: number[] = []
  for (let after: typeof firstSent | null = firstSent; after !== null; pages.push(1))
    after = (await verifySentPage(database.sql, { after, limit: 2 })).next
  expect(pages).toHaveLength(2)
})

test('each kind of disagreement is named', async () => {
  await using database = await createDatabase()
  const id = await aSession(database)
  await corrupt(
    database.sql,
    `insert into fix_sent values ('${session}', 1, 9, '${id}', 7, null, now());
     insert into fix_sent values ('${session}', 2, 1, null, null, 'x', now());
     insert into fix_due values ('${session}', 1, 8, 'KNOWN_KEY', '{}', now());
     update fix_due set at = now() - interval '1 hour' where in_number = 1;
     insert into order_keys (user_id, client_order_id, session) values ('00000000-0000-0000-0000-000000000001', 'k', 'NOBODY')`,
  )
  const { violations } = await verify(database)
  const of = (rule: string, expected: string, found: unknown) => ({
    subject: 'fix session',
    id: session,
    rule,
    expected,
    found,
  })
  expect(violations).toEqual([
    {
      subject: 'key',
      id: '00000000-0000-0000-0000-000000000001 k',
      rule: 'session',
      expected: 'the session of FIX NOBODY',
      found: null,
    },
    of('message 1 that waits', 'answered while the session is connected', expect.stringMatching(/^waits since /)),
    of('message 8 that waits', 'a number below 2 of series 1', 'series 1'),
    of('numbers sent', 'below 5', '9'),
    of('series', 'at most 1', '2'),
    of('report 9', `version 7 of order ${id}`, null),
  ] as never)
})

describe('what a session was told of its orders', () => {
  const withSession = async () => {
    const world = await createReportsWorld()
    const desk = sessionOf({ id: 'desk', user: crypto.randomUUID() })
    const connection = await world.connectLive(desk, world.startReplica())
    const ids = await world.placeIn(desk, {}, {}, {})
    await world.applyFills({ buy: ids[0]!, quantity: '1' })
    await world.cancel(ids[1]!)
    await world.hasHeard(desk, [`${ids[0]}.1`, `${ids[1]}.1`])
    return { world, desk, connection, ids }
  }
  const untold = (id: string, version: number) => ({
    subject: 'fix session',
    id: 'desk',
    rule: `told of order ${id}`,
    expected: `version ${version}`,
    found: null,
  })

  test('is everything up to its place, and of what is beyond nothing is asked', async () => {
    const { world, desk, connection, ids } = await withSession()
    await connection.stop()
    await world.placeIn(desk, {})
    await world.cancel(ids[2]!)
    expect((await verify(world.database)).violations).toEqual([])
    await world.stop()
  })

  test('lacks an acceptance, a fill, a cancel: each is named', async () => {
    const { world, connection, ids } = await withSession()
    await connection.stop()
    await corrupt(
      world.sql,
      'delete from fix_sent where version = 1 or order_id = (select max(order_id::text)::uuid from fix_sent)',
    )
    const { violations } = await verify(world.database)
    expect(violations).toEqual([untold(ids[0]!, 1), untold(ids[1]!, 1), untold(ids[2]!, 0)] as never)
    await world.stop()
  })

  test('has no place, or one that is no place', async () => {
    const { world, connection, ids } = await withSession()
    await connection.stop()
    const place = (rule: string, expected: string, found: string | null) => ({
      subject: 'fix session',
      id: 'desk',
      rule,
      expected,
      found,
    })
    await corrupt(world.sql, `update fix_sessions set cursor = 'nonsense'`)
    expect((await verify(world.database)).violations).toEqual([
      place('place in the log', 'a cursor', 'nonsense'),
    ] as never)
    await corrupt(world.sql, 'update fix_sessions set cursor = null, log_epoch = null')
    const kept = ids.map((id) => place('place in the log', `kept before its order ${id}`, null))
    expect((await verify(world.database)).violations).toEqual(kept as never)
    await world.stop()
  })
})
