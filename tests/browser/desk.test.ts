// Proves: an operator sees on the desk what could not be applied and whether trading is halted, changes both with who and why, and sees at its
// place what the service refuses.

import { expect, test } from '../support/explained.ts'
import { placeOrder } from '../support/placeOrder.ts'
import { until } from '../support/until.ts'
import { reportOf, tradeOf } from '../support/world.ts'
import { answerQuestion, expectQuiet, startBlotter } from './blotter.ts'

const { world, service, open } = await startBlotter({ withEngine: false })

const json = async (path: string) => (await service.http(path)).json

/** A trade of more than the order is for. */
const overfill = async (): Promise<string> => {
  const id = await placeOrder(service, { quantity: 5 })
  await world.publishTrades(tradeOf({ buyOrderId: id, quantity: 6 }))
  await world.tradesConsumed()
  return id
}

test('an exception of a trade is resolved once, by whom and why', async () => {
  const id = await overfill()
  await using desk = await open('desk')
  const { page } = desk
  const section = page.getByRole('region', { name: 'Exceptions of trades' })
  const one = section.getByRole('listitem').filter({ hasText: id })
  await one.getByText('OVERFILL').first().waitFor()
  await one.getByRole('button', { name: 'Resolve' }).click()
  await answerQuestion(page, { by: 'an operator', note: 'the engine was told', action: 'Resolve' })
  await one.waitFor({ state: 'detached' })
  await section.getByLabel('those that were resolved, too').check()
  await one.getByText('by an operator: the engine was told').waitFor()
  const { exceptions } = await json(`/exceptions?orderId=${id}`)
  expect(exceptions).toMatchObject([{ resolution: { resolvedBy: 'an operator', note: 'the engine was told' } }])
  expectQuiet(desk)
})

test('somebody else was faster: the dialog says so and stays', async () => {
  const id = await overfill()
  await using desk = await open('desk')
  const { page } = desk
  const one = page.getByRole('listitem').filter({ hasText: id })
  await one.getByRole('button', { name: 'Resolve' }).click()
  const [exception] = (await json(`/exceptions?orderId=${id}`))['exceptions'] as { id: string }[]
  await service.http(`/exceptions/${exception!.id}/resolve`, { body: { resolvedBy: 'B', note: 'done' } })
  await answerQuestion(page, { by: 'A', note: 'mine', action: 'Resolve' })
  await page.getByRole('dialog').getByRole('alert').filter({ hasText: 'Already resolved' }).waitFor()
  await page.keyboard.press('Escape')
  await page.getByRole('dialog').waitFor({ state: 'detached' })
  expectQuiet(desk)
})

test('an exception of a report is resolved in its own list', async () => {
  const id = await placeOrder(service, { quantity: 5 })
  await world.publishReports(reportOf({ orderId: id, ticker: 'OTHER', kind: 'CANCELED' }))
  await world.reportsConsumed()
  await using desk = await open('desk')
  const { page } = desk
  const section = page.getByRole('region', { name: 'Exceptions of reports' })
  const one = section.getByRole('listitem').filter({ hasText: id })
  await one.getByRole('button', { name: 'Resolve' }).click()
  await answerQuestion(page, { by: 'an operator', note: 'a wrong ticker', action: 'Resolve' })
  await one.waitFor({ state: 'detached' })
  expect((await json(`/exceptions/reports?orderId=${id}`))['exceptions']).toMatchObject([
    { resolution: { resolvedBy: 'an operator' } },
  ])
  expectQuiet(desk)
})

test('a ticker is halted and resumed, with what was open canceled', async () => {
  const id = await placeOrder(service, { ticker: 'HALT/ME' })
  await using desk = await open('desk')
  const { page } = desk
  const trading = page.getByRole('region', { name: 'Trading' })
  await trading.getByLabel('Ticker').fill('halt/me')
  await trading.getByRole('button', { name: 'Halt the ticker' }).click()
  await page.getByRole('dialog').getByLabel('Cancel what is open, too').check()
  await answerQuestion(page, { by: 'an operator', note: 'a drill', action: 'Halt HALT/ME' })
  const halted = trading.getByRole('list', { name: 'Halted tickers' }).getByRole('listitem')
  await halted.filter({ hasText: 'HALT/ME' }).filter({ hasText: 'by an operator: a drill' }).waitFor()
  expect(await json('/trading?ticker=HALT/ME')).toMatchObject({ state: 'HALTED', by: 'an operator', note: 'a drill' })
  await until(async () => (await json(`/orders/${id}`))['status'] === 'CANCELED', { what: 'the order is canceled' })
  await halted.getByRole('button', { name: 'Resume HALT/ME' }).click()
  await answerQuestion(page, { by: 'an operator', note: 'it is over', action: 'Resume HALT/ME' })
  await halted.waitFor({ state: 'detached' })
  expect(await json('/trading?ticker=HALT/ME')).toMatchObject({ state: 'ACTIVE', note: 'it is over' })
  expectQuiet(desk)
})

test('all trading is halted and resumed', async () => {
  await using desk = await open('desk')
  const { page } = desk
  await page.getByRole('button', { name: 'Halt all trading' }).click()
  await answerQuestion(page, { by: 'an operator', note: 'a drill', action: 'Halt all trading' })
  await page.getByRole('button', { name: 'Resume all trading' }).click()
  expect(await json('/trading')).toMatchObject({ state: 'HALTED' })
  await answerQuestion(page, { by: 'an operator', note: 'it is over', action: 'Resume all trading' })
  await page.getByRole('button', { name: 'Halt all trading' }).waitFor()
  expect(await json('/trading')).toMatchObject({ state: 'ACTIVE' })
  expectQuiet(desk)
})

test('a listed ticker is shown with its limits, exact, and halted from its row', async () => {
  const limits = { tickSize: 0.00000001, quantityMax: '123456789012.12345678' }
  await service.http('/instruments?ticker=LISTED', { method: 'PUT', body: { ...limits, by: 'me', note: 'new' } })
  await using desk = await open('desk')
  const { page } = desk
  const row = page.getByRole('row').filter({ hasText: 'LISTED' })
  await row.getByText('tick 0.00000001, greatest quantity 123456789012.12345678').waitFor()
  await row.getByRole('button', { name: 'Halt LISTED' }).click()
  await answerQuestion(page, { by: 'an operator', note: 'a drill', action: 'Halt LISTED' })
  await row.getByRole('button', { name: 'Resume LISTED' }).waitFor()
  expectQuiet(desk)
})

test('what the service refuses of a statement stands at its field', async () => {
  await using desk = await open('desk')
  const { page } = desk
  await page.getByRole('button', { name: 'Halt all trading' }).click()
  // For the browser these are texts, for the service controls.
  await answerQuestion(page, { by: '\u0007', note: '\u0007', action: 'Halt all trading' })
  const dialog = page.getByRole('dialog')
  for (const label of ['Who', 'Why']) {
    const field = dialog.getByLabel(label)
    await until(async () => (await field.getAttribute('aria-invalid')) === 'true', { what: `${label} is marked` })
    const faults = page.locator(`[id="${await field.getAttribute('aria-describedby')}"]`)
    expect(await faults.innerText()).not.toBe('')
  }
  expect(await json('/trading')).toMatchObject({ state: 'ACTIVE' })
  expectQuiet(desk)
})
