// Proves: what a firm can ask of a session of FIX beside placing an order, and what it hears of its orders and of those of other doors.

import { about, orderFields, placed, requestFields } from '../fix/client/fields.ts'
import { ownFixWorld } from '../fix/client/fixWorld.ts'
import { sessionRow } from '../fix/client/sessions.ts'
import { eachEventOnce, eventOf } from '../fix/client/told.ts'
import { expect, test } from '../support/explained.ts'
import { orderBody } from '../support/orderBody.ts'
import { tradeOf } from '../support/world.ts'

const users = {
  replace: '00000000-0000-4000-8000-000000000001',
  many: '00000000-0000-4000-8000-000000000002',
  two: '00000000-0000-4000-8000-000000000003',
}

const { world, service, session } = await ownFixWorld([
  sessionRow('desk'),
  sessionRow('replace', { user: users.replace }),
  sessionRow('many', { user: users.many }),
  sessionRow('desk-a', { user: users.two }),
  sessionRow('desk-b', { user: users.two }),
  sessionRow('copy', { user: users.two, scopes: ['orders:read'], reports: 'all' }),
])

const opened = async (id: string) => {
  const one = session(id)
  await one.open()
  await one.loggedOn()
  return one
}

test('a duplicate ClOrdID gets the order that has it; with PossResend and the same terms, its state', async () => {
  const desk = await opened('desk')
  const id = await placed(desk, 'twice')
  desk.send('D', orderFields('twice', { 38: 7 }))
  const refused = await about(desk, 'twice', { 150: 8 })
  expect(refused.fields).toMatchObject({ 37: id, 39: '0', 103: '6', 38: '100', 14: '0', 151: '100' })
  desk.send('D', orderFields('twice', { 97: 'Y' }))
  expect((await about(desk, 'twice', { 150: 'I' })).fields).toMatchObject({ 37: id, 39: '0', 151: '100' })
  desk.send('D', orderFields('once', { 97: 'Y' }))
  const other = (await about(desk, 'once', { 150: 0 })).fields[37]!
  expect(other).not.toBe(id)
  await eachEventOnce(desk, service, [id, other])
  await desk.stop()
})

test('a replace is refused by name, and the order is as it was', async () => {
  const desk = await opened('replace')
  const id = await placed(desk, 'R1')
  desk.send('G', requestFields('R2', 'R1', { 38: 200, 40: 2, 44: '151' }))
  const reject = await about(desk, 'R2')
  expect(reject).toMatchObject({ type: '9', fields: { 11: 'R2', 41: 'R1', 37: id, 39: '0', 434: '2', 102: '2' } })
  expect((await service.http(`/orders/${id}`)).json).toMatchObject({ quantity: 100, price: 150.5, version: 0 })
  await desk.stop()
})

test('status requests: of an order, and of none', async () => {
  const desk = await opened('replace')
  const id = await placed(desk, 'S1')
  await world.publishTrades(tradeOf({ buyOrderId: id, quantity: 40, price: 150 }))
  await about(desk, 'S1', { 150: 'F' })
  desk.send('H', { 11: 'S1', 55: 'AAPL', 54: 1 })
  expect((await about(desk, 'S1', { 150: 'I' })).fields).toMatchObject({
    37: id,
    17: '0',
    39: '1',
    38: '100',
    14: '40',
    151: '60',
    6: '150',
  })
  desk.send('H', { 11: 'S2', 55: 'AAPL', 54: 1 })
  expect((await about(desk, 'S2')).fields).toMatchObject({ 37: 'NONE', 39: '8', 150: 'I' })
  await desk.stop()
})

test('a cancel of an unknown order, of one that is filled, and with an id that was used', async () => {
  const desk = await opened('replace')
  desk.send('F', requestFields('C1', 'nothing'))
  expect(await about(desk, 'C1')).toMatchObject({ type: '9', fields: { 37: 'NONE', 39: '8', 434: '1', 102: '1' } })
  const id = await placed(desk, 'C2')
  await world.publishTrades(tradeOf({ buyOrderId: id, quantity: 100 }))
  await about(desk, 'C2', { 39: 2 })
  desk.send('F', requestFields('C3', 'C2'))
  expect(await about(desk, 'C3')).toMatchObject({ type: '9', fields: { 37: id, 39: '2', 102: '0' } })
  await placed(desk, 'C4')
  desk.send('F', requestFields('C2', 'C4'))
  expect(await about(desk, 'C2', { 41: 'C4' })).toMatchObject({ type: '9', fields: { 102: '6' } })
  await desk.stop()
})

test('a mass cancel takes the orders of the session’s user, whichever door they came by', async () => {
  const desk = await opened('many')
  const ids = [await placed(desk, 'M1'), await placed(desk, 'M2', { 54: 2 })]
  const other = await placed(desk, 'M3', { 55: 'MSFT' })
  const { json } = await service.post(orderBody({ userId: users.many }))
  desk.send('q', { 11: 'M4', 530: 1, 55: 'AAPL', 60: '20260102-03:04:05' })
  expect(await desk.message(({ type }) => type === 'r', 'the report')).toMatchObject({
    fields: { 11: 'M4', 530: '1', 531: '1', 533: '3' },
  })
  const canceled = [...ids, String(json['id'])]
  for (const id of canceled)
    expect(await desk.message(({ fields }) => fields[17] === `${id}.1`, `the cancel of ${id}`)).toMatchObject({
      fields: { 150: '4', 39: '4', 37: id },
    })
  expect((await service.http(`/orders/${other}`)).json).toMatchObject({ status: 'NEW' })
  desk.send('q', { 11: 'M5', 530: 7, 60: '20260102-03:04:05' })
  await desk.message(({ fields }) => fields[17] === `${other}.1`, 'the cancel of the last')
  desk.send('q', { 11: 'M6', 530: 3, 60: '20260102-03:04:05' })
  expect(
    (await desk.message(({ type, fields }) => type === 'r' && fields[11] === 'M6', 'the refusal')).fields,
  ).toMatchObject({ 531: '0', 532: '0' })
  await desk.stop()
})

test('a drop copy hears of all orders of its user, a desk of its own', async () => {
  const [a, b, copy] = await Promise.all(['desk-a', 'desk-b', 'copy'].map(opened))
  const ofA = await placed(a!, 'A1')
  const ofB = await placed(b!, 'B1')
  const { json } = await service.post(orderBody({ userId: users.two }))
  const ofHttp = String(json['id'])
  await world.publishTrades(...[ofA, ofB, ofHttp].map((id) => tradeOf({ buyOrderId: id, quantity: 10 })))
  await world.tradesConsumed()
  // B cancels what A placed: both hear of it, and the copy.
  b!.send('F', requestFields('B2', 'A1'))
  await about(b!, 'B2', { 150: 4 })
  await eachEventOnce(copy!, service, [ofA, ofB, ofHttp])
  await eachEventOnce(a!, service, [ofA])
  expect(a!.received().filter((message) => eventOf(message)?.orderId === ofB)).toEqual([])
  expect(b!.received().filter((message) => eventOf(message)?.orderId === ofHttp)).toEqual([])
  copy!.send('D', orderFields('copied'))
  expect(await copy!.message(({ type }) => type === 'j', 'the refusal')).toMatchObject({
    fields: { 372: 'D', 380: '6' },
  })
  await Promise.all([a!.stop(), b!.stop(), copy!.stop()])
})
