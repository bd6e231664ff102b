// Proves: who may log on does, and nobody else; one connection and one replica have a session at a time; what a client asks for is done once over
// however many connections; numbers begin again when they should; who does not read, or says nothing, is not told more, or is let go.

import { afterAll, afterEach, describe, expect } from 'bun:test'
import { utcTimestamp, type Field } from '../../../src/fix/protocol/codec.ts'
import { allPools, targetOf } from '../../support/database.ts'
import { test } from '../../support/explained.ts'
import { startProxy } from '../../support/proxy.ts'
import { createRandom } from '../../support/random.ts'
import { until } from '../../support/until.ts'
import { createFate, createGatewayWorld } from './gatewayWorld.ts'
import type { Trader } from './trader.ts'

const world = await createGatewayWorld()
afterAll(() => world.stop())
afterEach(() => expect(world.bugs).toEqual([]))

const fields = (values: Record<number, string>): Field[] =>
  Object.entries({ 60: utcTimestamp(Date.now()), ...values }).map(([tag, value]) => [Number(tag), value])
const order = (key: string, changes: Record<number, string> = {}): Field[] =>
  fields({ 11: key, 38: '100', 40: '2', 44: '150.5', 54: '1', 55: 'AAPL', 59: '1', ...changes })
const isIn = (trader: Trader) => until(() => trader.isLoggedOn(), { what: `${trader.sender} is logged on` })
const isOut = (trader: Trader) => until(() => trader.closed(), { what: `${trader.sender} is closed` })
const logon = async (trader: Trader, gateway = world.open()) => {
  trader.connect(gateway)
  await isIn(trader)
  return gateway
}
const hears = (trader: Trader, count: number, type?: string) =>
  until(() => trader.told(type).length >= count && trader.told(type), {
    what: `${trader.sender} hears ${count} messages`,
  })
const execIds = (trader: Trader): string[] => trader.told('8').map((report) => report['17']!)

test('an order is placed and filled, and each of its events is reported', async () => {
  const { trader, user } = world.add('first')
  await logon(trader)
  trader.say('D', order('a'))
  const [accepted] = await hears(trader, 1)
  const { id } = (await world.ordersOf(user)).get('a')!
  expect(accepted).toMatchObject({ 11: 'a', 37: id, 17: `${id}.0`, 150: '0', 39: '0', 151: '100', 14: '0' })
  await world.trade({ order: id, quantity: '40', price: '150' }, { order: id, quantity: '60', price: '151' })
  await hears(trader, 3)
  expect(trader.told('8').map((report) => [report['17'], report['39'], report['14']])).toEqual([
    [`${id}.0`, '0', '0'],
    [`${id}.1`, '1', '40'],
    [`${id}.2`, '2', '100'],
  ])
  expect(trader.faults).toEqual([])
})

describe('a logon', () => {
  const refused = [
    ['a wrong password', { id: 'wrong', trader: { password: 'guessed' } }],
    ['no session', { id: 'nobody', trader: { sender: 'SOMEBODY' } }],
    ['another address', { id: 'elsewhere', line: { addresses: ['10.0.0.0/8'] } }],
    ['another certificate', { id: 'certified', line: { certificate: 'its name' }, certificate: 'another name' }],
    ['no certificate', { id: 'uncertified', line: { certificate: 'its name' } }],
  ] as const
  for (const [what, one] of refused)
    test(`of ${what} ends without a word`, async () => {
      const {
        line = {},
        trader: options = {},
        certificate = null,
      } = one as (typeof refused)[number][1] & {
        line?: object
        trader?: object
        certificate?: string
      }
      const { trader } = world.add(one.id, { ...line }, options)
      trader.connect(world.open(), { certificate })
      expect(await isOut(trader)).toBe('LOGON_REFUSED')
      expect(trader.heard.size).toBe(0)
      expect(await world.sql`select from fix_sessions where id = ${one.id}`).toHaveLength(0)
    })

  test('from an allowed address that is written as IPv6, with the right certificate', async () => {
    const line = { certificate: 'its name', addresses: ['10.0.0.0/8'] }
    const { trader } = world.add('allowed', line, { address: '::ffff:10.1.2.3' })
    trader.connect(world.open(), { certificate: 'its name' })
    await isIn(trader)
  })

  test('while the session is logged on is refused, and harms nobody', async () => {
    const { trader, user } = world.add('twice')
    const gateway = await logon(trader)
    const second = world.add('twice', { user }).trader
    second.connect(gateway)
    expect(await isOut(second)).toBe('LOGON_REFUSED')
    trader.say('D', order('a'))
    await hears(trader, 1)
    expect(trader.faults).toEqual([])
  })

  test('of a client whose line broke without a word is let in once the dead connection gave no sign of life', async () => {
    const { trader, user } = world.add('broken')
    let went = 0
    const gateway = await logon(trader, world.open({ now: () => Date.now() + went }))
    trader.mute()
    const back = world.add('broken', { user }).trader
    back.connect(gateway)
    expect(await isOut(back)).toBe('LOGON_REFUSED')
    await until(() => [...trader.heard.values()].some((one) => one?.type === '1'), { what: 'a test request' })
    went = 5_000
    trader.conversation().tick()
    expect(await isOut(trader)).toBe('HEARTBEAT_TIMEOUT')
    await logon(back, gateway)
    back.say('D', order('a'))
    await hears(back, 1)
    expect(back.faults).toEqual([])
  })

  test('waits until the connection before has given the session back', async () => {
    const { trader } = world.add('again')
    const gateway = await logon(trader)
    for (let i = 0; i < 5; i++) {
      trader.say('D', order(`o${i}`))
      trader.cut()
      trader.connect(gateway)
      await isIn(trader)
    }
    await hears(trader, 5)
    expect(trader.faults).toEqual([])
  })
})

describe('a replica', () => {
  test('does not get what another one holds; once that is dead it goes on, and the dead one changes nothing', async () => {
    const { id, trader, user } = world.add('taken')
    const first = await logon(trader)
    trader.say('D', order('a'))
    await hears(trader, 1)
    const zombie = trader.conversation()
    const other = world.open({ replica: 1 })
    const early = world.add(id, { user }).trader
    early.connect(other)
    expect(await isOut(early)).toBe('LOGON_REFUSED')

    trader.forget()
    await world.endLeases(id)
    await logon(trader, other)
    zombie.tick()
    trader.say('D', order('b'))
    await hears(trader, 2)
    await until(() => first.state().sessions === 0, { what: 'the former replica has let go' })
    trader.say('D', order('c'))
    await hears(trader, 3)
    expect([...(await world.ordersOf(user)).keys()]).toEqual(['a', 'b', 'c'])
    expect(trader.faults).toEqual([])
  })

  test('that stops logs everybody out, says why, and gives back what it held', async () => {
    const gateway = world.open()
    const stopping = ['stop-1', 'stop-2'].map((id) => world.add(id))
    for (const { trader } of stopping) await logon(trader, gateway)
    for (const { trader } of stopping) trader.say('D', order('last'))
    for (const { trader } of stopping) await hears(trader, 1)
    // One that is only about to log on.
    world.add('stop-3').trader.connect(gateway)
    await gateway.stop()
    for (const { id, trader, user } of stopping) {
      expect(trader.closed()).toBe('LOGOUT')
      expect([...trader.heard.values()].some((one) => one?.type === '5')).toBe(true)
      const [row] = await world.sql`select holder from fix_sessions where id = ${id}`
      expect(row).toMatchObject({ holder: null })
      expect((await world.ordersOf(user)).size).toBe(1)
    }
    expect(gateway.state().sessions).toBe(0)
  })

  test('logs out whose line in the file has changed or gone', async () => {
    const gateway = world.open()
    const [changed, gone, same] = ['changed', 'gone', 'same'].map((id) => world.add(id))
    for (const one of [changed!, gone!, same!]) await logon(one.trader, gateway)
    world.change('changed', { reports: 'all' })
    world.change('gone', null)
    expect([await isOut(changed!.trader), await isOut(gone!.trader)]).toEqual(['LOGOUT', 'LOGOUT'])
    await logon(changed!.trader, gateway)
    expect(same!.trader.isLoggedOn()).toBe(true)
  })
})

describe('numbers', () => {
  test('begin again at 1 both ways with ResetSeqNumFlag; what was told is not told again', async () => {
    const { id, trader, user } = world.add('reset')
    const gateway = await logon(trader)
    trader.say('D', order('a'))
    await hears(trader, 1)
    trader.cut()
    const orderId = (await world.ordersOf(user)).get('a')!.id
    await world.trade({ order: orderId, quantity: '1' })
    trader.reset()
    trader.connect(gateway, { logon: [[141, 'Y']] })
    await isIn(trader)
    trader.say('D', order('b'))
    await hears(trader, 2)
    const other = (await world.ordersOf(user)).get('b')!.id
    expect(execIds(trader).toSorted()).toEqual([`${orderId}.1`, `${other}.0`].toSorted())
    expect(await world.numbersOf(id)).toEqual({ nextIn: 3, nextOut: 4, dues: 0 })
    expect(trader.faults).toEqual([])
  })

  test('begin again at every logon, if the file says so', async () => {
    const { id, trader } = world.add('reset-always', { resetOnLogon: true })
    const gateway = await logon(trader)
    trader.say('D', order('a'))
    await hears(trader, 1)
    trader.cut()
    trader.reset()
    trader.heard.clear()
    trader.connect(gateway, { logon: [[141, 'Y']] })
    await isIn(trader)
    await until(async () => (await world.numbersOf(id)).nextIn === 2, { what: 'the logon is the first message' })
    expect(trader.faults).toEqual([])
  })
})

test('a thousand orders, over connections that are cut while they are under way, are stored once and reported once', async () => {
  const { id, trader, user } = world.add('flood')
  const gateway = await logon(trader)
  const random = createRandom(11)
  let said = 0
  while (said < 1000) {
    for (const end = Math.min(1000, said + random.int(50, 300)); said < end; said++) trader.say('D', order(`o${said}`))
    await Bun.sleep(random.int(0, 60))
    trader.cut()
    trader.connect(gateway)
    await until(() => trader.isLoggedOn() || !trader.isOpen(), { what: 'an answer to the logon' })
    if (!trader.isOpen()) await logon(trader, gateway)
  }
  const orders = await until(
    async () => {
      const stored = await world.ordersOf(user)
      return stored.size === 1000 && trader.told('8').length >= 1000 && stored
    },
    { what: 'all are stored and reported' },
  )
  expect(execIds(trader).toSorted()).toEqual([...orders.values()].map((one) => `${one.id}.0`).toSorted())
  expect(trader.faults).toEqual([])
  expect((await world.numbersOf(id)).dues).toBe(0)
}, 120_000)

test('cancels follow the orders that they mean, hundreds of both under way, over cuts: each is canceled once', async () => {
  const { id, trader, user } = world.add('quotes')
  const gateway = await logon(trader)
  const random = createRandom(13)
  const count = 120
  for (let i = 0; i < count; i++) {
    trader.say('D', order(`o${i}`))
    if (i % 2 === 0) trader.say('F', fields({ 11: `c${i}`, 41: `o${i}`, 54: '1', 55: 'AAPL' }))
    else if (i > 2) trader.say('F', fields({ 11: `c${i}`, 41: `o${i - 2}`, 54: '1', 55: 'AAPL' }))
    if (i % 40 !== 39) continue
    await Bun.sleep(random.int(20, 200))
    trader.cut()
    await logon(trader, gateway)
  }
  const answers = await hears(trader, count + count - 1)
  const canceled = answers.filter((one) => one['150'] === '4')
  expect(canceled.map((one) => one['11']!).toSorted()).toEqual(
    Array.from({ length: count }, (_, i) => `c${i}`)
      .filter((one) => one !== 'c1')
      .toSorted(),
  )
  expect(answers.every((one) => one['35'] === '8')).toBe(true)
  const open = [...(await world.ordersOf(user))].filter(([, one]) => one.status === 'NEW').map(([key]) => key)
  expect(open).toEqual([`o${count - 1}`])
  expect(trader.faults).toEqual([])
  expect((await world.numbersOf(id)).dues).toBe(0)
}, 120_000)

describe('a client', () => {
  test('that does not read is told its reports once it does; it is served meanwhile', async () => {
    const { id, trader } = world.add('lazy')
    let unsent = 1_000_000
    trader.connect(world.open(), { unsent: () => unsent })
    await isIn(trader)
    trader.say('D', order('a'))
    trader.say('H', [
      [11, 'a'],
      [54, '1'],
      [55, 'AAPL'],
    ])
    const [status] = await hears(trader, 1)
    expect(status).toMatchObject({ 150: 'I', 11: 'a' })
    expect((await world.numbersOf(id)).nextOut).toBe(3)
    unsent = 0
    trader.conversation().drained()
    expect((await hears(trader, 2)).at(-1)).toMatchObject({ 150: '0', 11: 'a' })
  })

  test('that says nothing is asked whether it is there, then let go', async () => {
    const { trader } = world.add('silent', {}, { heartbeatS: 10 })
    let skew = 0
    trader.connect(world.open({ now: () => Date.now() + skew }))
    await isIn(trader)
    const types = () => [...trader.heard.values()].map((one) => one?.type)
    const later = async (ms: number, type: string) => {
      skew += ms
      trader.conversation().tick()
      await until(() => types().includes(type), { what: `a message ${type}` })
    }
    await later(10_000, '0')
    expect(types()).toEqual(['A', '0'])
    trader.mute()
    await later(2_500, '1')
    skew += 12_000
    trader.conversation().tick()
    expect(await isOut(trader)).toBe('HEARTBEAT_TIMEOUT')
  })

  test.each([3_600_000, -3_600_000])(
    'is neither let go nor forgotten while the clock is set by %d ms',
    async (jump) => {
      const { trader } = world.add(jump > 0 ? 'forward' : 'back', {}, { heartbeatS: 10 })
      let [went, set] = [0, 0]
      trader.connect(world.open({ now: () => Date.now() + went + set, elapsed: () => Date.now() + went }))
      await isIn(trader)
      const heartbeats = () => [...trader.heard.values()].filter((one) => one?.type === '0').length
      set = jump
      trader.conversation().tick()
      went = 10_000
      trader.conversation().tick()
      await until(() => heartbeats() === 1, { what: 'a heartbeat at its time' })
      trader.mute()
      went = 24_000
      trader.conversation().tick()
      expect(await isOut(trader)).toBe('HEARTBEAT_TIMEOUT')
    },
  )

  test('whose messages waited for ours is not taken for silent', async () => {
    const { trader } = world.add('heard', {}, { heartbeatS: 10 })
    let skew = 0
    const { promise: looked, resolve: look } = Promise.withResolvers<void>()
    trader.connect(world.open({ now: () => Date.now() + skew, onLookUp: () => looked }))
    await isIn(trader)
    trader.say('H', fields({ 11: 'none', 54: '1', 55: 'AAPL' }))
    await Bun.sleep(0)
    trader.say('0')
    skew += 30_000
    trader.conversation().tick()
    look()
    await hears(trader, 1)
    await until(() => trader.closed() ?? [...trader.heard.values()].some((one) => one?.type === '0'), {
      what: 'a heartbeat of the gateway',
    })
    expect(trader.closed()).toBeNull()
  })

  test('that misses hundreds of thousands of numbers is told by one read that nothing stands under them', async () => {
    const { id, trader } = world.add('long-idle')
    const fate = createFate(Infinity)
    const gateway = await logon(trader, world.open({ fate }))
    trader.cut()
    await until(async () => (await world.sql`select from fix_sessions where id = ${id} and holder is null`).length, {
      what: 'the session is given back',
    })
    await world.sql`update fix_sessions set next_out = 300000 where id = ${id}`
    const before = fate.count()
    await logon(trader, gateway)
    await until(() => trader.nextIn() > 300_000, { what: 'the gap is filled' })
    expect(fate.count() - before).toBeLessThan(60)
    trader.say('D', order('a'))
    await hears(trader, 1)
    expect(trader.faults).toEqual([])
  })

  test('is told that nothing is taken now, and may send the same again', async () => {
    const { trader, user } = world.add('busy')
    await logon(trader)
    world.accept(false)
    trader.say('D', order('a'))
    expect((await hears(trader, 1))[0]).toMatchObject({ 35: 'j', 380: '4' })
    world.accept(true)
    trader.say('D', order('a'))
    expect((await hears(trader, 2))[1]).toMatchObject({ 35: '8', 150: '0' })
    expect((await world.ordersOf(user)).size).toBe(1)
  })
})

describe('a message that waits for its answer', () => {
  test('waits for the next connection when this one ends, and nobody goes on for the one that is gone', async () => {
    const { id, trader } = world.add('waiting')
    let lookUps = 0
    const gateway = await logon(trader, world.open({ onLookUp: () => ++lookUps === 1 && trader.cut() }))
    trader.say('D', order('a'))
    await hears(trader, 1)
    trader.cut()
    await until(async () => (await world.sql`select from fix_sessions where id = ${id} and holder is null`).length, {
      what: 'the session is given back',
    })
    // More than one page of them, as another replica left them behind.
    const count = 150
    const request = { received: { type: 'D', body: order('a'), number: 2, possResend: false }, day: '20260105' }
    await world.sql`
      insert into fix_due (session, series, in_number, reason, request, at)
      select ${id}, -1, number, 'KNOWN_KEY', ${JSON.stringify(request)}::text::jsonb, now() from generate_series(1, ${count}::integer) number`
    trader.connect(gateway)
    await until(() => lookUps > 0, { what: 'the first answer is being made' })
    await logon(trader, gateway)
    await hears(trader, 1 + count)
    expect(await world.numbersOf(id)).toMatchObject({ dues: 0 })
    expect(lookUps).toBe(1 + count)
    expect(trader.faults).toEqual([])
  })

  test('may have any byte in its texts', async () => {
    const { trader } = world.add('any-byte')
    await logon(trader)
    trader.say('D', order('a'))
    await hears(trader, 1)
    const bytes = String.fromCharCode(...Array.from({ length: 256 }, (_, i) => i).filter((i) => i !== 1))
    trader.say('D', order('a', { 58: bytes, 354: '3', 355: 'x\u0001\u0000' }))
    trader.say('F', fields({ 11: 'c', 41: `${bytes}\\u0000`, 54: '1', 55: 'AAPL' }))
    trader.say('q', fields({ 11: 'q', 530: '7', 58: '\u0000' }))
    const answers = await hears(trader, 5)
    expect(answers.find((one) => one['103'] !== undefined)).toMatchObject({ 11: 'a', 103: '6' })
    expect(answers.find((one) => one['35'] === '9')).toMatchObject({ 41: `${bytes}\\u0000`, 102: '1' })
    expect(answers.find((one) => one['35'] === 'r')).toMatchObject({ 11: 'q', 531: '7', 533: '1' })
    expect(trader.faults).toEqual([])
  })
})

test('while somebody holds an order locked, a request to cancel it is refused, and everybody stays logged on', async () => {
  const replica = world.addReplica({ pools: allPools(world.database.open({ lockTimeoutMs: 100 })) })
  const [one, two] = [world.add('locked-one'), world.add('locked-two')]
  const gateway = await logon(one.trader, world.open({ replica }))
  await logon(two.trader, gateway)
  for (const { trader } of [one, two]) {
    trader.say('D', order('a'))
    await hears(trader, 1)
  }
  const { id } = (await world.ordersOf(one.user)).get('a')!
  const canceled = { 11: 'c', 41: 'a', 150: '4', 39: '4' }
  const request = (key: string): Field[] => fields({ 11: key, 41: 'a', 54: '1', 55: 'AAPL' })
  const holder = world.database.session()
  try {
    await holder`begin`
    await holder`select from orders where id = ${id} for update`
    one.trader.say('F', request('b'))
    two.trader.say('F', request('c'))
    expect((await hears(one.trader, 1, '9'))[0]).toMatchObject({
      11: 'b',
      37: id,
      39: '0',
      434: '1',
      102: '2',
      58: 'the order is locked at this moment: send the request again with a new id',
    })
    expect((await hears(two.trader, 2, '8'))[1]).toMatchObject(canceled)
  } finally {
    await holder`rollback`
  }
  one.trader.say('F', request('c'))
  expect((await hears(one.trader, 2, '8'))[1]).toMatchObject({ ...canceled, 37: id })
  for (const { trader } of [one, two]) expect([trader.isLoggedOn(), trader.faults]).toEqual([true, []])
})

test('while Postgres cannot be reached, the connection is closed and the number is not consumed', async () => {
  const proxy = await startProxy(world.database.url)
  const pools = allPools(world.database.open({ connectTimeoutMs: 500 }, targetOf(proxy.url)))
  const replica = world.addReplica({ pools, deadlineMs: 1_000 })
  const { id, trader, user } = world.add('outage')
  const gateway = await logon(trader, world.open({ replica }))
  trader.say('D', order('a'))
  await hears(trader, 1)
  await proxy.refuse()
  trader.say('D', order('b'))
  expect(['OVERLOADED', 'OUTCOME_UNKNOWN']).toContain(await isOut(trader))
  expect(await world.numbersOf(id)).toMatchObject({ nextIn: 3, dues: 0 })
  await proxy.accept()
  await until(
    async () => {
      if (!trader.isOpen()) trader.connect(gateway)
      await until(() => trader.isLoggedOn() || !trader.isOpen(), { what: 'an answer to the logon' })
      return trader.isLoggedOn()
    },
    { what: 'the trader is logged on again' },
  )
  await hears(trader, 2)
  expect([...(await world.ordersOf(user)).keys()]).toEqual(['a', 'b'])
  expect(trader.faults).toEqual([])
  await proxy.stop()
}, 60_000)
