// Proves: the vital signs show what /metrics and /actuator/health say now, with the thresholds of the alerts, follow it, and ask nothing while
// nobody looks; where this port has no /metrics the page says so.

import type { Page } from 'playwright-core'
import { freePort } from '../stack/ports.ts'
import { expect, test } from '../support/explained.ts'
import { placeOrder } from '../support/placeOrder.ts'
import { until } from '../support/until.ts'
import { tradeOf } from '../support/world.ts'
import { expectQuiet, startBlotter } from './blotter.ts'

const { world, service, open } = await startBlotter({ withEngine: false })

const sign = (page: Page, title: string) =>
  page.locator('section').filter({ has: page.getByRole('heading', { name: title, exact: true }) })

test('figures follow what happens, and one beyond its threshold says so', async () => {
  await using opened = await open('vitals')
  const { page } = opened
  await sign(page, 'Streams').getByText('open, of').waitFor()
  expect(await sign(page, 'Exceptions open').innerText()).not.toContain('beyond')
  const id = await placeOrder(service, { quantity: 5 })
  await world.publishTrades(tradeOf({ buyOrderId: id, quantity: 6 }))
  await world.tradesConsumed()
  await sign(page, 'Exceptions open').getByText('beyond the threshold of its alert').waitFor()
  // Of one order in ten seconds a rate and a time are known.
  await until(
    async () => {
      await placeOrder(service)
      return /\d.* (?:ms|s)\s+for 99 of 100/.test(await sign(page, 'Accepting an order').innerText())
    },
    { what: 'the time to accept is shown' },
  )
  expect(await page.getByRole('img').count()).toBe(6)
  expectQuiet(opened)
})

test('health stands there in its own words', async () => {
  await using opened = await open('vitals')
  const { page } = opened
  const health = page.getByRole('region', { name: 'Health' })
  const { components } = (await service.http('/actuator/health')).json as {
    components: Record<string, { status: string; details: { detail?: string } }>
  }
  for (const { details } of Object.values(components))
    if (details.detail !== undefined) await health.getByText(details.detail).first().waitFor()
  expectQuiet(opened)
})

test('nothing is asked while the page is hidden, and at once when it is seen again', async () => {
  await using opened = await open('vitals')
  const { page } = opened
  const asked: string[] = []
  page.on('request', (request) => void asked.push(new URL(request.url()).pathname))
  await until(() => asked.filter((path) => path === '/metrics').length >= 2, { what: 'it asks again and again' })
  const hide = (hidden: boolean) =>
    page.evaluate(`Object.defineProperty(document, 'hidden', { configurable: true, get: () => ${hidden} }),
      document.dispatchEvent(new Event('visibilitychange'))`)
  await hide(true)
  // What was under way may end; then two rounds would have passed.
  await Bun.sleep(2_000)
  asked.length = 0
  await Bun.sleep(5_000)
  expect(asked).toEqual([])
  await hide(false)
  await until(() => asked.includes('/metrics'), { what: 'it asks again' })
  expectQuiet(opened)
})

test('where operators have a port of their own, the page says so', async () => {
  const other = await world.start({ env: { MANAGEMENT_PORT: String(await freePort()) } })
  await using opened = await open('vitals', {}, other)
  await opened.page.getByText('MANAGEMENT_PORT').waitFor()
  expectQuiet(opened)
})
