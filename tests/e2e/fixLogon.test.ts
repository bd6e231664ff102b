// Proves: a session of FIX is open to its firm alone: another password, CompID, address or interval is let in by nobody and told nothing; a
// session has one connection; what a firm lost is sent again as it was.

import { playDefinition } from '../fix/acceptance/definition.ts'
import { about, orderFields, placed } from '../fix/client/fields.ts'
import { createFirm, type FirmSession } from '../fix/client/firm.ts'
import { ownFixWorld } from '../fix/client/fixWorld.ts'
import { secretOf, sessionRow, settingsFor } from '../fix/client/sessions.ts'
import { eachEventOnce } from '../fix/client/told.ts'
import { expect, test } from '../support/explained.ts'
import { until } from '../support/until.ts'

const { service, port, firm, session } = await ownFixWorld([
  sessionRow('desk'),
  sessionRow('other'),
  sessionRow('lost'),
  sessionRow('begun'),
  sessionRow('hasty', { resetOnLogon: true }),
  sessionRow('far', { addresses: ['10.1.0.0/16'] }),
])

/** Opens it, and waits until the connection of its first logon has ended. */
const turnedAway = async (of: FirmSession, settings: Record<string, string> = {}): Promise<void> => {
  const from = of.happened.length
  await of.open(settings)
  await until(() => of.happened.slice(from).some(({ event }) => event === 'logout'), { what: 'the connection ended' })
  await of.stop()
  const after = of.happened.slice(from)
  expect(after.some(({ event, message }) => event === 'sending' && message!.type === 'A')).toBe(true)
  expect(after.filter(({ event }) => event === 'logon' || event === 'admin')).toEqual([])
}

test.each([
  ['another password', 'desk', { Password: 'guessed' }],
  ['the password of another session', 'desk', { Password: settingsFor('other', port)['Password']! }],
  ['another SenderCompID', 'desk', { SenderCompID: 'NOBODY' }],
  ['another TargetCompID', 'desk', { TargetCompID: 'ELSEWHERE' }],
  ['an address that is not the session’s', 'far', {}],
  ['an interval below the session’s', 'desk', { HeartBtInt: '1' }],
  ['an interval above the session’s', 'desk', { HeartBtInt: '600' }],
])('whoever comes with %s is not let in, and told nothing', async (_, id, settings) => {
  await turnedAway(session(id), settings)
})

test('a firm that was turned away comes in with its own password, and goes on where it is', async () => {
  const desk = session('desk')
  await turnedAway(desk, { Password: 'guessed' })
  await desk.open()
  await desk.loggedOn()
  const id = await placed(desk, 'desk-1')
  await eachEventOnce(desk, service, [id])
  await desk.stop()
})

test('a second connection of a session is not let in, and the first does not notice', async () => {
  const first = session('other')
  await first.open()
  await first.loggedOn()
  await using another = createFirm()
  const second = session('other', another)
  const from = second.happened.length
  await second.open()
  await until(() => second.happened.slice(from).some(({ event }) => event === 'logout'), { what: 'it ended' })
  expect(second.happened.some(({ event }) => event === 'logon')).toBe(false)
  const id = await placed(first, 'other-1')
  await eachEventOnce(first, service, [id])
  expect(first.happened.filter(({ event }) => event === 'logon' || event === 'logout')).toHaveLength(1)
  await another.kill()
  await first.stop()
})

test('what a firm lost is sent again as it was, with PossDup and its first SendingTime', async () => {
  const lost = session('lost')
  await lost.open()
  await lost.loggedOn()
  for (const key of ['a', 'b', 'c']) await placed(lost, `lost-${key}`)
  lost.send('D', orderFields('lost-a'))
  await about(lost, 'lost-a', { 103: 6 })
  const first = lost.received()
  await lost.stop()
  const from = lost.happened.length
  await lost.open()
  await lost.loggedOn()
  // The firm restored its numbers from a backup of before its first report.
  lost.numbers(lost.happened.filter(({ event }) => event === 'sending').at(-1)!.message!.number + 1, first[0]!.number)
  await placed(lost, 'lost-d')
  const again = () =>
    lost.happened
      .slice(from)
      .flatMap(({ event, message }) => (event === 'received' && message!.fields[43] === 'Y' ? [message!] : []))
  await until(() => again().length >= first.length, { what: 'all came again' })
  const volatile = ['9', '10', '43', '52', '122']
  const lasting = (fields: Readonly<Record<number, string>>) =>
    Object.fromEntries(Object.entries(fields).filter(([tag]) => !volatile.includes(tag)))
  for (const [at, message] of first.entries()) {
    const second = again()[at]!
    expect(lasting(second.fields)).toEqual(lasting(message.fields))
    expect(second.fields[122]).toBe(message.fields[52])
  }
  await lost.stop()
})

test('a firm that comes back at once is let in: it waits until its session is given back', async () => {
  const head = (from: string, to: string) => `8=FIX.4.4|35=A|34=1|49=${from}|52=<TIME>|56=${to}|98=0|108=30|`
  const once = [
    'iCONNECT',
    `I${head('HASTY', 'ORDERS')}554=${secretOf('hasty')}|`,
    `E${head('ORDERS', 'HASTY').replace('35=A', '9=66|35=A')}10=0|`,
    'iDISCONNECT',
  ].join('\n')
  const text = Array.from({ length: 20 }, () => once).join('\n')
  await playDefinition(text.replaceAll('|', '\u0001'), port)
})

test('a firm that begins its numbers again (ResetSeqNumFlag) goes on with its orders', async () => {
  const begun = session('begun')
  await begun.open()
  await begun.loggedOn()
  const before = await placed(begun, 'begun-1')
  await begun.stop()
  await using anew = createFirm()
  const again = session('begun', anew)
  await again.open({ ResetOnLogon: 'Y' })
  await again.loggedOn()
  expect((await again.admin('A')).fields).toMatchObject({ 34: '1', 141: 'Y' })
  again.send('H', { 11: 'begun-1', 55: 'AAPL', 54: 1 })
  expect((await about(again, 'begun-1', { 150: 'I' })).fields).toMatchObject({ 37: before, 39: '0', 151: '100' })
  await again.stop()
})

test('QuickFIX/J refused no message of the service', () => {
  expect(firm.notes()).not.toMatch(/Reject sent/)
})
