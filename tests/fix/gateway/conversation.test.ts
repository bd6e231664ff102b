// Proves: a firm that talks FIX to the gateway places, cancels and asks, and hears of everything that happens to its orders, each once and as it was;
// whoever dies at whatever moment, nothing is lost, doubled or invented. Without sockets, on a real Postgres.

import { afterEach, beforeEach, describe, expect, test } from 'bun:test'
import { utcTimestamp, type Field } from '../../../src/fix/protocol/codec.ts'
import { until } from '../../support/until.ts'
import type { Firm, Told } from './firm.ts'
import { createGatewayWorld, type GatewayWorld } from './gatewayWorld.ts'

let world: GatewayWorld
beforeEach(async () => {
  world = await createGatewayWorld()
})
afterEach(async () => {
  expect(world.bugs).toEqual([])
  await world.stop()
})

const user = crypto.randomUUID()
const desk = { id: 'desk', sender: 'FIRM', user }
const firmOf = (): Firm => world.firm('FIRM')

type Values = Readonly<Record<number, string>>
const fieldsOf = (values: Values): Field[] => Object.entries(values).map(([tag, value]) => [Number(tag), value])
const now = (): string => utcTimestamp(Date.now())

/** Buy 100 AAPL at 150.5, good till canceled. */
const order = (clOrdId: string, changes: Values = {}): Field[] =>
  fieldsOf({ 11: clOrdId, 38: '100', 40: '2', 44: '150.5', 54: '1', 55: 'AAPL', 59: '1', 60: now(), ...changes })
const cancelOf = (clOrdId: string, of: string, changes: Values = {}): Field[] =>
  fieldsOf({ 11: clOrdId, 41: of, 54: '1', 55: 'AAPL', 60: now(), ...changes })

const short = ({ type, body }: Told): string =>
  [type, body[150] ?? body[102] ?? body[380] ?? body[531] ?? '', body[39] ?? '', body[11] ?? ''].join(' ').trim()
const heard = async (firm: Firm, count: number): Promise<string[]> => {
  await until(() => firm.told().length >= count, { what: `${count} messages come` })
  return firm.told().map(short)
}

describe('a session', () => {
  test('places, is filled and cancels, and is told each event', async () => {
    const replica = world.startReplica([desk])
    const firm = firmOf()
    expect([await firm.logOn(replica.gateway), firm.reason(), replica.lines]).toEqual([true, null, []])
    firm.send('D', order('a'))
    firm.send('D', order('b'))
    expect(await heard(firm, 2)).toEqual(['8 0 0 a', '8 0 0 b'])
    const [{ body }] = firm.told() as [Told]
    expect(body).toMatchObject({ 17: `${body[37]}.0`, 38: '100', 151: '100', 14: '0', 6: '0' })
    await world.fill({ buy: body[37]!, quantity: '40' })
    replica.gateway.ring()
    expect((await heard(firm, 3)).at(-1)).toBe('8 F 1 a')
    firm.send('F', cancelOf('c', 'a'))
    expect((await heard(firm, 4)).at(-1)).toBe('8 4 4 c')
    expect(firm.told().at(-1)!.body).toMatchObject({ 41: 'a', 14: '40', 151: '0' })
    expect(firm.faults).toEqual([])
  })
})
