// Proves: in every state, light and dark, narrow and wide, the page fits its window, axe finds nothing in it, and it complains of nothing.
// Their pictures (.data/browser/states/) are for a person to look at.

import type { BrowserContextOptions, Page } from 'playwright-core'
import { expect, test } from '../support/explained.ts'
import { placeOrder } from '../support/placeOrder.ts'
import type { RunningService } from '../support/service.ts'
import { until } from '../support/until.ts'
import { createWorld, tradeOf } from '../support/world.ts'
import { expectQuiet, pressShortcut, signIn, startBlotter } from './blotter.ts'
import { picture } from './browser.ts'
import { makeKeys } from './keys.ts'
import { axeViolations, overflow } from './look.ts'

const empty = await startBlotter({ withEngine: false })
const { keys, env } = await makeKeys({ reader: 'orders:read', admin: 'orders:admin' })
const secured = await startBlotter({ withEngine: false, env })
const { world, service, open } = await startBlotter()

/** Orders of every look: waiting, filled in part, filled, canceled, rejected, a stop, an iceberg. */
const fill = async (): Promise<void> => {
  await service.http('/instruments?ticker=TSLA', {
    method: 'PUT',
    body: { tickSize: 0.01, quantityMax: 1_000_000, by: 'compliance', note: 'the limits of this year' },
  })
  const tickers = ['MSFT', 'NVDA', 'BRK.B', 'AMZN', 'ETH/USD', 'GOOG', 'JPM']
  for (let i = 0; i < 60; i++)
    await placeOrder(service, {
      ticker: tickers[i % tickers.length],
      side: i % 3 === 0 ? 'SELL' : 'BUY',
      price: i % 3 === 0 ? `${510 + i}.25` : `${380 + i}.5`,
      quantity: 5 * (1 + ((i * 7) % 40)),
    })
  const sell = { side: 'SELL', ticker: 'AAPL' }
  const part = await placeOrder(service, { ...sell, quantity: 100, price: 150.5, clientOrderId: 'my-first-sell' })
  await placeOrder(service, { quantity: '40.25', price: '150.50' })
  await placeOrder(service, { quantity: '20', price: '150.50' })
  const canceled = await placeOrder(service, { ticker: 'IBM', quantity: 5, price: 80 })
  await service.http(`/orders/${canceled}`, { method: 'DELETE' })
  await placeOrder(service, { ...sell, ticker: 'TSLA', type: 'STOP', price: undefined, stopPrice: 199, quantity: 5 })
  await placeOrder(service, { ...sell, ticker: 'TSLA', price: 200, quantity: 100, displayQuantity: 10 })
  await placeOrder(service, { ticker: 'BTC/USD', price: '68123.45678901', quantity: '0.00000001', timeInForce: 'DAY' })
  await service.post({
    userId: crypto.randomUUID(),
    ...sell,
    ticker: 'TSLA',
    type: 'LIMIT',
    timeInForce: 'GTC',
    quantity: 1,
    price: 1.001,
  })
  const over = await placeOrder(service, { ticker: 'OVER', quantity: 5 })
  await world.publishTrades(tradeOf({ buyOrderId: over, ticker: 'OVER', quantity: 6 }))
  await world.tradesConsumed()
  await service.http('/trading?ticker=IBM', { method: 'PUT', body: { state: 'HALTED', by: 'me', note: 'a drill' } })
  await until(async () => (await service.http(`/orders/${part}`)).json['filledQuantity'] === 60.25, {
    what: 'it is filled',
  })
}
await fill()

const schemes = ['light', 'dark'] as const
const windows = { 360: 740, 1440: 900, 2560: 1300 } as const

/** Looks at the page in every window, as it is now. */
const look = async (page: Page, name: string, scheme: string): Promise<void> => {
  for (const [width, height] of Object.entries(windows)) {
    await page.setViewportSize({ width: Number(width), height })
    // A frame is drawn in the new size.
    await page.evaluate('new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))')
    await page.screenshot({ path: picture(`states/${name}-${scheme}-${width}`) })
    expect([name, width, await overflow(page)]).toEqual([name, width, 0])
    expect([name, width, await axeViolations(page)]).toEqual([name, width, []])
  }
}

type State = {
  open: (options: BrowserContextOptions) => ReturnType<typeof open>
  /** Brings the page there. */
  reach: (page: Page) => Promise<unknown>
}

/** A page whose own requests are answered by the test; its feed runs in it, not in a worker that no test can reach. */
const openAnswered =
  (answer: (page: Page) => Promise<unknown>): State['open'] =>
  async (options) => {
    const opened = await open('orders', options)
    await opened.page.addInitScript('delete globalThis.SharedWorker')
    await answer(opened.page)
    await opened.page.goto('about:blank')
    await opened.page.goto(`${service.url}/#orders`)
    return opened
  }

/** The stream and the list. */
const reads = /\/orders(?:\/stream)?(?:\?|$)/

const unavailable = { title: 'Overloaded', status: 503, code: 'OVERLOADED', detail: 'nothing was stored; try again' }

const states: Record<string, State> = {
  empty: {
    open: (options) => empty.open('orders', options),
    reach: (page) => page.getByText('No orders yet').waitFor(),
  },
  loading: {
    open: openAnswered((page) => page.route(reads, () => undefined)),
    reach: (page) => page.getByText('Reading orders').waitFor(),
  },
  error: {
    open: openAnswered((page) =>
      page.route(reads, (route) =>
        route.fulfill({ status: 503, contentType: 'application/problem+json', body: JSON.stringify(unavailable) }),
      ),
    ),
    reach: (page) => page.getByText('Disconnected').first().waitFor(),
  },
  orders: { open: (options) => open('orders', options), reach: (page) => page.getByText('OVER').waitFor() },
  life: {
    open: (options) => open('orders', options),
    reach: async (page) => {
      await page.getByRole('row').filter({ hasText: 'my-first-sell' }).click()
      await page.getByText('What happened').waitFor()
      await page.getByText('Accepted').first().waitFor()
    },
  },
  form: {
    open: (options) => open('orders', options),
    reach: async (page) => {
      await page.getByText('OVER').waitFor()
      await pressShortcut(page, 'n')
      await page.getByRole('button', { name: 'Place buy order' }).waitFor()
    },
  },
  'form with faults': {
    open: (options) => open('orders', options),
    reach: async (page) => {
      await page.getByText('OVER').waitFor()
      await pressShortcut(page, 'n')
      await page.getByLabel('Ticker', { exact: true }).last().fill('no ticker at all!')
      await page.getByLabel('Quantity').fill('-1')
      await page.getByRole('button', { name: 'Place buy order' }).click()
      await page.locator('[aria-invalid=true]').first().waitFor()
    },
  },
  vitals: { open: (options) => open('vitals', options), reach: (page) => page.getByText('Orders placed').waitFor() },
  desk: { open: (options) => open('desk', options), reach: (page) => page.getByText('OVERFILL').first().waitFor() },
  'desk, a question': {
    open: (options) => open('desk', options),
    reach: async (page) => {
      await page.getByRole('button', { name: 'Halt all trading' }).click()
      await page.getByRole('dialog').waitFor()
    },
  },
  'signed out': {
    open: (options) => secured.open('orders', options),
    reach: (page) => page.getByLabel('Token or API key').waitFor(),
  },
  'signed out, a wrong key': {
    open: (options) => secured.open('orders', options),
    reach: async (page) => {
      await signIn(page, 'ok_nobody_0000')
      await page.getByRole('alert').waitFor()
    },
  },
  'desk of a reader': {
    open: (options) => secured.open('desk', options),
    reach: async (page) => {
      await signIn(page, keys.reader.key)
      await page.getByText('Exceptions are shown').waitFor()
    },
  },
  'vitals of a reader': {
    open: (options) => secured.open('vitals', options),
    reach: async (page) => {
      await signIn(page, keys.reader.key)
      await page.getByText('The vital signs are for operators').waitFor()
    },
  },
}

const cases = Object.entries(states).flatMap(([name, state]) => schemes.map((scheme) => [name, scheme, state] as const))

test.each(cases)('%s, %s', async (name, scheme, state) => {
  await using opened = await state.open({ colorScheme: scheme })
  await state.reach(opened.page)
  await look(opened.page, name, scheme)
  expectQuiet(opened)
})

test('a phone shows the first four columns whole, and the others when they are scrolled to', async () => {
  await using opened = await open('orders', { viewport: { width: 360, height: windows[360] } })
  await opened.page.getByText('BTC/USD').waitFor()
  const inView = await opened.page.evaluate<string[]>(`(() => {
    const table = document.querySelector('.orders-table')
    const right = table.getBoundingClientRect().left + table.clientWidth
    const titles = [...document.querySelectorAll('[role=columnheader]')]
    return titles.filter((title) => title.getBoundingClientRect().left < right).map((title) => title.innerText.trim())
  })()`)
  expect(inView).toEqual(['Ticker', 'Side', 'Status', 'Filled'])
  await opened.page.getByRole('columnheader', { name: 'Price' }).scrollIntoViewIfNeeded()
  await opened.page.screenshot({ path: picture('states/orders-scrolled-360') })
  expectQuiet(opened)
})

test.each(schemes)('disconnected, %s', async (scheme) => {
  await using own = await createWorld()
  const gone: RunningService = await own.start()
  await placeOrder(gone)
  await using opened = await empty.open('orders', { colorScheme: scheme }, gone)
  await opened.page.getByText('AAPL').first().waitFor()
  await gone.kill()
  await opened.page.getByText('Disconnected').first().waitFor()
  await look(opened.page, 'disconnected', scheme)
  expectQuiet(opened)
})
