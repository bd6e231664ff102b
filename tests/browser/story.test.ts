// Proves: the README's story can be clicked: two orders that cross are placed and watched being filled, one is canceled, many are, an attempt
// whose answer was lost is made void, trading is halted and resumed, and the page goes on by itself after the service was started again.

import type { Page, Route } from 'playwright-core'
import { expect, test } from '../support/explained.ts'
import { placeOrder } from '../support/placeOrder.ts'
import { until } from '../support/until.ts'
import { answerQuestion, expectQuiet, pressShortcut, rowOf, startBlotter } from './blotter.ts'

const { world, service, open } = await startBlotter()

type Terms = { side: 'Buy' | 'Sell'; user: string; ticker: string; quantity: string; price: string }

const fillIn = async (page: Page, { side, user, ticker, quantity, price }: Terms): Promise<void> => {
  const form = page.getByRole('complementary', { name: 'New order' })
  await form.getByText(side, { exact: true }).click()
  await form.getByLabel('Ticker').fill(ticker)
  await form.getByLabel('Quantity').fill(quantity)
  await form.getByLabel('Price', { exact: true }).fill(price)
  await form.getByLabel('User').fill(user)
}

const seller = 'a11ce000-0000-4000-8000-000000000001'
const buyer = 'b0b00000-0000-4000-8000-000000000002'

test('two that cross are placed by keyboard and mouse, and filled before the eyes', async () => {
  await using opened = await open()
  const { page } = opened
  await page.getByText('Live', { exact: true }).waitFor()
  await pressShortcut(page, 'n')
  await fillIn(page, { side: 'Sell', user: seller, ticker: 'CROSS', quantity: '100', price: '150.5' })
  await page.keyboard.press('Enter')
  await page.getByText('Accepted: ').waitFor()
  await fillIn(page, { side: 'Buy', user: buyer, ticker: 'CROSS', quantity: '40.25', price: '150.50' })
  // A double click places once.
  await page.getByRole('button', { name: 'Place buy order' }).dblclick()
  await rowOf(page, 'CROSS', 'Buy').filter({ hasText: 'Filled' }).waitFor()
  await rowOf(page, 'CROSS', 'Sell').filter({ hasText: 'Part' }).waitFor()
  expect((await service.http('/orders?ticker=CROSS')).json['orders']).toHaveLength(2)
  expectQuiet(opened)
})

test('the form has the fields that its type and time in force take, and what is hidden is not sent', async () => {
  await using opened = await open()
  const { page } = opened
  await page.getByText('Live', { exact: true }).waitFor()
  await pressShortcut(page, 'n')
  const form = page.getByRole('complementary', { name: 'New order' })
  const field = (label: string) => form.getByLabel(label, { exact: true })
  await fillIn(page, { side: 'Buy', user: buyer, ticker: 'FORM', quantity: '1', price: '7' })
  for (const label of ['Stop price', 'Until']) expect(await field(label).count()).toBe(0)
  await form.getByText('Stop', { exact: true }).click()
  await field('Stop price').waitFor()
  expect(await field('Price').count()).toBe(0)
  await form.getByText('Limit', { exact: true }).click()
  await field('Price').waitFor()
  await field('In force').selectOption({ label: 'GTD, until a date' })
  await field('Until').waitFor()
  await field('In force').selectOption({ label: 'GTC, until canceled' })
  await field('Until').waitFor({ state: 'detached' })
  await form.getByText('Market', { exact: true }).click()
  await field('Price').waitFor({ state: 'detached' })
  await page.getByRole('button', { name: 'Place buy order' }).click()
  await page.getByText('Accepted: ').waitFor()
  const { orders } = (await service.http('/orders?ticker=FORM')).json as { orders: Record<string, unknown>[] }
  expect(orders).toEqual([expect.objectContaining({ type: 'MARKET', price: null })])
  expectQuiet(opened)
})

test('an amount is shown with every digit, whichever way it came', async () => {
  const terms = { ticker: 'EXACT', quantity: '12345678901.00000001', price: '0.10000001' }
  await placeOrder(service, terms)
  await using opened = await open()
  const { page } = opened
  const exact = rowOf(page, 'EXACT').filter({ hasText: terms.quantity }).filter({ hasText: terms.price })
  await exact.waitFor()
  await page.getByText('Live', { exact: true }).waitFor()
  await placeOrder(service, { ...terms, side: 'SELL', price: '9999999.00000001' })
  const live = rowOf(page, 'EXACT', 'Sell').filter({ hasText: '9999999.00000001' })
  await live.click()
  await page.getByRole('complementary').getByText(terms.quantity).first().waitFor()
  expectQuiet(opened)
})

test('what remains of an order is canceled after a question, and its life says so', async () => {
  await placeOrder(service, { ticker: 'LEAVES' })
  await using opened = await open()
  const { page } = opened
  await rowOf(page, 'LEAVES').click()
  await page.getByRole('button', { name: 'Cancel order' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Cancel order' }).click()
  const life = page.getByRole('complementary')
  await life.getByText('USER_CANCELED').first().waitFor()
  await page.keyboard.press('Escape')
  await life.waitFor({ state: 'detached' })
  await rowOf(page, 'LEAVES').filter({ hasText: 'Canceled' }).waitFor()
  expectQuiet(opened)
})

test('an answer of its history that comes late replaces no newer one', async () => {
  const id = await placeOrder(service, { ticker: 'LATE' })
  await using opened = await open()
  const { page } = opened
  const [read, released] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const holdBack = async (route: Route): Promise<void> => {
    const { pathname, search } = new URL(route.request().url())
    const { json } = await service.http(pathname + search)
    read.resolve()
    await released.promise
    await route.fulfill({ json })
  }
  await page.route(`**/orders/${id}/events?*`, holdBack, { times: 1 })
  let reads = 0
  page.on('requestfinished', (request) => void (reads += request.url().includes(`${id}/events`) ? 1 : 0))
  await page.getByText('Live', { exact: true }).waitFor()
  await rowOf(page, 'LATE').click()
  await read.promise
  await service.http(`/orders/${id}`, { method: 'DELETE' })
  const line = page.getByRole('complementary').locator('.life-line > li')
  await line.filter({ hasText: 'USER_CANCELED' }).waitFor()
  released.resolve()
  await until(() => reads === 2, { what: 'the late answer is there' })
  await page.evaluate(() => new Promise((resolve) => setTimeout(resolve, 500)))
  expect(await line.count()).toBe(2)
  expectQuiet(opened)
})

test('many are canceled after a question', async () => {
  for (let i = 0; i < 3; i++) await placeOrder(service, { ticker: 'MANY', price: 10 + i })
  await using opened = await open()
  const { page } = opened
  await pressShortcut(page, '/')
  await page.keyboard.type('MANY')
  await page.getByRole('button', { name: 'Cancel many' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Cancel them' }).click()
  await page.getByText('Canceled 3.').waitFor()
  const { orders } = (await service.http('/orders?ticker=MANY')).json as { orders: { status: string }[] }
  expect(orders.map(({ status }) => status)).toEqual(['CANCELED', 'CANCELED', 'CANCELED'])
  expectQuiet(opened)
})

test.each([
  ['Ask again', 'Accepted', 1],
  ['Void', 'Void: no order', 0],
] as const)('an answer that was lost, and %s', async (choice, said, orders) => {
  const ticker = choice === 'Void' ? 'LOST' : 'ASKED'
  await using opened = await open()
  const { page } = opened
  // The first attempt reaches nobody, and its sender does not know.
  const lost = { status: 504, code: 'OUTCOME_UNKNOWN', title: 'Outcome unknown', detail: 'the order may exist' }
  await page.route('**/orders', (route) => route.fulfill({ status: 504, json: lost }), { times: 1 })
  await page.getByText('Live', { exact: true }).waitFor()
  await pressShortcut(page, 'n')
  await fillIn(page, { side: 'Buy', user: buyer, ticker, quantity: '1', price: '1' })
  await page.getByRole('button', { name: 'Place buy order' }).click()
  await page.getByRole('button', { name: choice, exact: true }).click()
  await page.getByText(said).first().waitFor()
  expect((await service.http(`/orders?ticker=${ticker}`)).json['orders']).toHaveLength(orders)
  expectQuiet(opened)
})

test('a halted ticker takes no order, until it is resumed', async () => {
  await using opened = await open('desk')
  const { page } = opened
  await page.getByLabel('Ticker').fill('STOPPED')
  await page.getByRole('button', { name: 'Halt the ticker' }).click()
  await answerQuestion(page, { by: 'me', note: 'drill', action: 'Halt STOPPED' })
  await page.getByRole('button', { name: 'Resume STOPPED' }).waitFor()
  await pressShortcut(page, '1')
  await page.getByText('Live', { exact: true }).waitFor()
  await pressShortcut(page, 'n')
  await fillIn(page, { side: 'Buy', user: buyer, ticker: 'STOPPED', quantity: '1', price: '1' })
  await page.getByRole('button', { name: 'Place buy order' }).click()
  await page
    .getByRole('alert')
    .filter({ hasText: 'HALTED' })
    .or(page.getByRole('alert').filter({ hasText: 'halted' }))
    .first()
    .waitFor()
  await page.goto(`${service.url}/#desk`)
  await page.getByRole('button', { name: 'Resume STOPPED' }).click()
  await answerQuestion(page, { by: 'me', note: 'the drill is over', action: 'Resume STOPPED' })
  await page.getByRole('button', { name: 'Resume STOPPED' }).waitFor({ state: 'detached' })
  expect((await service.post({ ...body, ticker: 'STOPPED' })).status).toBe(202)
  expectQuiet(opened)
})

const body = { userId: buyer, side: 'BUY', type: 'LIMIT', timeInForce: 'GTC', quantity: 1, price: 1 }

test('the page goes on by itself after the service was started again, and says so', async () => {
  const port = service.port + 1
  const first = await world.start({ port })
  await placeOrder(first, { ticker: 'BEFORE' })
  await using opened = await open('orders', {}, first)
  const { page } = opened
  await rowOf(page, 'BEFORE').waitFor()
  await first.kill()
  await page.getByText('Disconnected:').waitFor()
  // Meanwhile life goes on at another replica.
  await placeOrder(service, { ticker: 'MEANWHILE' })
  await world.start({ port })
  await page.getByText('nothing was missed').waitFor()
  await rowOf(page, 'MEANWHILE').waitFor()
  await rowOf(page, 'BEFORE').waitFor()
  await placeOrder(service, { ticker: 'AFTER' })
  await until(() => rowOf(page, 'AFTER').isVisible(), { what: 'it is live again' })
  expectQuiet(opened)
})
