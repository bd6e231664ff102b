// Proves: verify names whatever of a session of FIX disagrees with its numbers or with the log, and nothing else.

import { expect, test } from 'bun:test'
import { cancelFixBatch } from '../../src/app/fixOrders.ts'
import { advanceFixSession, reportInFixSession } from '../../src/store/fixSent.ts'
import { takeFixSession } from '../../src/store/fixSessions.ts'
import { firstSent, verifySentPage } from '../../src/verify/fixSql.ts'
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
  await cancelFixBatch(db, [request], { now: at, keyFill, onCommitted: () => undefined })
  await advanceFixSession(sql, {
    session,
    epoch,
    attempt: newId(),
    out: [Buffer.from('8'), null, Buffer.from('9')],
    at,
  })
  const to = { logEpoch: 1, cursor: 'c' }
  const events = [{ orderId: id, version: 0 }]
  await reportInFixSession(sql, { session, epoch, attempt: newId(), from: null, to, events, at })
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
