// Proves: /docs and every page of the handbook of the compiled binary, started in an empty folder, work in a real Chromium without
// internet: every route and topic is drawn, a request can be sent, no page is wider than its window, complains of its content policy, or
// asks anybody else for anything.

import { pageNames } from '../../src/handbook/pages.ts'
import { operations } from '../../src/http/contract/operations.ts'
import { afterAll, expect, test } from '../support/explained.ts'
import { startService } from '../support/service.ts'
import { picture, startBrowser } from './browser.ts'
import { axeViolations, overflow } from './look.ts'

// Neither server is there: these pages need none.
const env = { DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none', KAFKA_BOOTSTRAP_SERVERS: '127.0.0.1:1' }
const service = await startService({ env: { ...env, SERVER_HOST: '127.0.0.1' }, wait: 'live' })
const browser = await startBrowser()
afterAll(async () => {
  await browser[Symbol.asyncDispose]()
  await service[Symbol.asyncDispose]()
})

const windows = {
  wide: { viewport: { width: 1400, height: 1000 } },
  phone: { viewport: { width: 390, height: 844 } },
  dark: { viewport: { width: 390, height: 844 }, colorScheme: 'dark' },
} as const

test.each(Object.entries(windows))('every page of the handbook fits a %s window', async (kind, window) => {
  await using open = await browser.open(service.url, window)
  const { page, complaints, elsewhere } = open
  for (const name of pageNames) {
    await page.goto(`${service.url}/docs/handbook/${name}`)
    expect([name, await overflow(page), await axeViolations(page)]).toEqual([name, 0, []])
    await page.screenshot({ path: picture(`docs/handbook-${name}-${kind}`) })
  }
  expect({ complaints, elsewhere }).toEqual({ complaints: [], elsewhere: [] })
})

test('/docs draws every route and topic, and sends a request', async () => {
  await using open = await browser.open(service.url, windows.wide)
  const { page, complaints, elsewhere } = open
  await page.goto(`${service.url}/docs`)
  // Every path has OPTIONS beside its operations.
  const routes = Object.keys(operations).length + new Set(Object.values(operations).map(({ path }) => path)).size
  await page
    .locator('.opblock')
    .nth(routes - 1)
    .waitFor()
  expect(await page.locator('.opblock').count()).toBe(routes)
  const topics = Object.keys((await service.http('/asyncapi.json')).json['channels'] as object)
  expect(await page.locator('#kafka article').count()).toBe(topics.length)
  await page.screenshot({ path: picture('docs/top') })
  await page.locator('#operations-Orders-placeOrder .opblock-control-arrow').click()
  await page.locator('#operations-Orders-placeOrder .responses-inner').waitFor()
  await page.screenshot({ path: picture('docs/placeOrder') })
  const block = page.locator('#operations-Operation-liveness')
  await block.locator('.opblock-control-arrow').click()
  await block.locator('.try-out__btn').click()
  await block.locator('.execute').click()
  expect(await block.locator('.live-responses-table tbody .response-col_status').innerText()).toStartWith('200')
  await page.locator('#kafka').scrollIntoViewIfNeeded()
  await page.screenshot({ path: picture('docs/kafka') })
  expect({ complaints, elsewhere }).toEqual({ complaints: [], elsewhere: [] })
})
