// Proves: a replica may die between any two things that it does for a session. No order is lost or doubled, no report lost, doubled or invented,
// each request is answered once, and a number that is sent again says what it said.

import { afterAll, expect } from 'bun:test'
import { utcTimestamp, type Field } from '../../../src/fix/protocol/codec.ts'
import { test } from '../../support/explained.ts'
import { createRandom } from '../../support/random.ts'
import { until } from '../../support/until.ts'
import { createFate, createGatewayWorld, type Fate } from './gatewayWorld.ts'
import type { Trader } from './trader.ts'

const world = await createGatewayWorld()
afterAll(() => world.stop())

const fields = (values: Record<number, string>): Field[] =>
  Object.entries({ 60: utcTimestamp(Date.now()), ...values }).map(([tag, value]) => [Number(tag), value])
const order = (key: string, changes: Record<number, string> = {}): Field[] =>
  fields({ 11: key, 38: '100', 40: '2', 44: '150.5', 54: '1', 55: 'AAPL', 59: '1', ...changes })

/** One message for each thing that can come of it. */
const firstWords = (trader: Trader): void => {
  trader.say('D', order('a'))
  trader.say('D', order('b', { 54: '2' }))
  trader.say('D', order('a'))
  trader.say('D', order('bad', { 44: '-1' }))
  trader.say('F', fields({ 11: 'cancel a', 41: 'a', 54: '1', 55: 'AAPL' }))
  trader.say('F', fields({ 11: 'cancel nothing', 41: 'z', 54: '1', 55: 'AAPL' }))
  trader.say('F', fields({ 11: 'cancel a', 41: 'b', 54: '2', 55: 'AAPL' }))
  trader.say('G', fields({ 11: 'replace b', 41: 'b', 54: '2', 55: 'AAPL', 38: '1', 40: '1' }))
  trader.say('H', [
    [11, 'b'],
    [54, '2'],
    [55, 'AAPL'],
  ])
  trader.say('1', [[112, 'are you there']])
  trader.say('D', order('c'))
}
const answersOfFirst = [
  '8 0 a',
  '8 0 b',
  '8 0 c',
  '8 4 cancel a',
  '8 8 a',
  '8 8 bad',
  '8 I b',
  '9 1 cancel nothing',
  '9 2 replace b',
  '9 6 cancel a',
]
const lastWords = (trader: Trader): void => {
  trader.say('D', order('d'))
  trader.say('q', fields({ 11: 'cancel all', 530: '7' }))
  trader.say(
    'D',
    order('e', { 40: '1', 44: '', 59: '3' }).filter(([, value]) => value !== ''),
  )
}
const answersInAll = [
  ...answersOfFirst,
  '8 0 d',
  '8 0 e',
  '8 4 b',
  '8 4 c',
  '8 4 d',
  '8 F b',
  '8 F b',
  'r 7 cancel all',
].toSorted()

/** What it heard, each as type, what it says, and about which ClOrdID. */
const answersTo = (trader: Trader): string[] =>
  trader
    .told()
    .map((told) => {
      const about = told['102'] ?? told['531'] ?? told['150']
      return `${told['35']} ${about} ${told['11']}`
    })
    .toSorted()

const hasHeard = (trader: Trader, answers: readonly string[]): boolean => {
  const heard = answersTo(trader)
  return answers.every(
    (answer) => heard.filter((one) => one === answer).length >= answers.filter((one) => one === answer).length,
  )
}

/** The whole story of a session, over as many connections as it takes. Each replica lives until the next of `deaths`. */
const tell = async (id: string, deaths: readonly number[]) => {
  const { trader, user } = world.add(id)
  const fates = deaths.map((at) => createFate(at))
  let fate: Fate = createFate(Infinity)
  let replica = 0
  const connect = async (): Promise<void> => {
    for (;;) {
      if (!trader.isOpen() || fate.isDead()) {
        if (fate.isDead()) await world.endLeases(id)
        trader.forget()
        fate = fates.shift() ?? createFate(Infinity)
        replica = 1 - replica
        trader.connect(world.open({ replica, fate }))
      }
      await until(() => fate.isDead() || !trader.isOpen() || trader.isLoggedOn(), {
        what: `${id} is logged on`,
        deadlineMs: 20_000,
      })
      if (trader.isLoggedOn() && !fate.isDead()) return
    }
  }
  /** Over as many connections as it takes. */
  const reach = async (what: string, check: () => boolean, begin: () => void = () => undefined): Promise<void> => {
    while (!check()) {
      await connect()
      begin()
      await until(() => check() || fate.isDead() || !trader.isOpen(), {
        what: `${id}: ${what}`,
        deadlineMs: 20_000,
      }).catch(async (error: unknown) => {
        console.log(id, deaths, trader.closed(), answersTo(trader), await world.numbersOf(id), trader.faults)
        throw error
      })
    }
  }
  await connect()
  firstWords(trader)
  await reach('the first is answered', () => hasHeard(trader, answersOfFirst))
  const b = (await world.ordersOf(user)).get('b')!.id
  await world.trade({ order: b, quantity: '10', price: '150' }, { order: b, quantity: '20', price: '151' })
  await connect()
  lastWords(trader)
  await reach('everything is answered', () => hasHeard(trader, answersInAll))
  const steps = fate.count()
  let hasAsked = false
  const ask = (): void => {
    hasAsked = true
    trader.askAgain()
  }
  await reach('everything came again', () => hasAsked && trader.hasCompared(), ask)
  trader.say('5')
  await until(() => !trader.isOpen() || fate.isDead(), { what: `${id} is logged out` })
  return { trader, user, steps, fate }
}

const judge = async (id: string, { trader, user }: Awaited<ReturnType<typeof tell>>) => {
  expect(answersTo(trader), id).toEqual(answersInAll)
  const orders = await world.ordersOf(user)
  expect([...orders.keys()].toSorted(), id).toEqual(['a', 'b', 'c', 'd', 'e'])
  const logged = await world.logged([...orders.values()].map((one) => one.id))
  const reported = trader.told('8').flatMap((one) => (/\.\d+$/.test(one['17']!) ? [one['17']!] : []))
  expect(reported.toSorted(), id).toEqual(logged.toSorted())
  const sent = await world.sql<{ name: string }[]>`
    select order_id || '.' || version as name from fix_sent where session = ${id} and order_id is not null`
  expect(sent.map(({ name }) => name).toSorted(), id).toEqual(logged.toSorted())
  expect(
    [...trader.heard.keys()].toSorted((a, b) => a - b),
    id,
  ).toEqual(Array.from({ length: trader.heard.size }, (_, i) => i + 1))
  expect([trader.faults, world.bugs], id).toEqual([[], []])
  const numbers = await world.numbersOf(id)
  expect(numbers.dues, id).toBe(0)
  expect(numbers.nextOut, id).toBeGreaterThanOrEqual(trader.nextIn())
}

test('the story without a death', async () => {
  const told = await tell('alive', [])
  await judge('alive', told)
  expect(told.steps).toBeGreaterThan(40)
})

/** Many stories, a few at a time. */
const tellAll = async (stories: readonly { id: string; deaths: readonly number[] }[]): Promise<void> => {
  const waiting = [...stories]
  const one = async (): Promise<void> => {
    for (let story = waiting.pop(); story !== undefined; story = waiting.pop())
      await judge(story.id, await tell(story.id, story.deaths))
  }
  await Promise.all(Array.from({ length: 8 }, () => one()))
}

test('a death at each point', async () => {
  const { steps } = await tell('measure', [])
  await tellAll(Array.from({ length: steps }, (_, i) => ({ id: `death-${i + 1}`, deaths: [i + 1] })))
}, 600_000)

test('deaths of those who take over, too', async () => {
  const random = createRandom(7)
  const deaths = () => Array.from({ length: random.int(2, 4) }, () => random.int(1, 60))
  await tellAll(Array.from({ length: 40 }, (_, i) => ({ id: `deaths-${i + 1}`, deaths: deaths() })))
}, 600_000)
