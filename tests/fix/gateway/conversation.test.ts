// Proves: a client logs on, and what it asks for is done once and answered; its orders' events come as reports.

import { afterAll, expect } from 'bun:test'
import { utcTimestamp, type Field } from '../../../src/fix/protocol/codec.ts'
import { test } from '../../support/explained.ts'
import { until } from '../../support/until.ts'
import { createGatewayWorld } from './gatewayWorld.ts'
import type { Trader } from './trader.ts'

const world = await createGatewayWorld()
afterAll(() => world.stop())

const order = (key: string, changes: Record<number, string> = {}): Field[] =>
  Object.entries({
    11: key,
    38: '100',
    40: '2',
    44: '150.5',
    54: '1',
    55: 'AAPL',
    59: '1',
    60: utcTimestamp(Date.now()),
    ...changes,
  }).map(([tag, value]) => [Number(tag), value])
const logon = async (trader: Trader, gateway = world.open()) => {
  trader.connect(gateway)
  await until(() => trader.isLoggedOn(), { what: 'the trader is logged on' })
  return gateway
}

test('an order is placed and filled, and each of its events is reported', async () => {
  const { trader, user } = world.add('first')
  await logon(trader)
  trader.say('D', order('a'))
  const [accepted] = await until(() => trader.told('8').length === 1 && trader.told('8'), {
    what: 'the order is reported',
  })
  const { id } = (await world.ordersOf(user)).get('a')!
  expect(accepted).toMatchObject({ 11: 'a', 37: id, 17: `${id}.0`, 150: '0', 39: '0', 151: '100', 14: '0' })
  await world.fill({ order: id, quantity: '40', price: '150' }, { order: id, quantity: '60', price: '151' })
  await until(() => trader.told('8').length === 3, { what: 'the fills are reported' })
  expect(trader.told('8').map((report) => [report['17'], report['39'], report['14']])).toEqual([
    [`${id}.0`, '0', '0'],
    [`${id}.1`, '1', '40'],
    [`${id}.2`, '2', '100'],
  ])
  expect([trader.faults, world.bugs]).toEqual([[], []])
})
