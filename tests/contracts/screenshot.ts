// `bun run docs:screenshot` opens /docs and every page of the handbook of the compiled binary, started in an empty folder, in
// a real Chromium without internet. It fails when a page asks anybody else for anything, complains of its content policy, is wider than
// its window, or does not draw every route and every topic; its pictures are for a person to look at.

import { inRepo } from '../../src/build/repository.ts'
import { pageNames } from '../../src/handbook/pages.ts'
import { operations } from '../../src/http/contract/operations.ts'
import { runWithServers } from '../support/runWithServers.ts'
import { startService } from '../support/service.ts'
import { until } from '../support/until.ts'
import { openPage, type Page } from './browser.ts'

const help = `bun run docs:screenshot

Looks at /docs of dist/orders with Chromium (Debian: apt-get install chromium; or CHROMIUM=<path>), which reaches this
machine alone. Pictures: .data/docs/*.png. Last line: N faults.`

const picture = (name: string): string => inRepo('.data', 'docs', `${name}.png`)

const count = (page: Page, selector: string): Promise<number> =>
  page.evaluate<number>(`document.querySelectorAll(${JSON.stringify(selector)}).length`)

const click = (page: Page, selector: string): Promise<boolean> =>
  until(() => page.evaluate<boolean>(`(document.querySelector(${JSON.stringify(selector)})?.click(), true)`), {
    what: `${selector} is there`,
  })

/** Opens a route and sends its request from the page. */
const tryOut = async (page: Page, id: string): Promise<string> => {
  const block = `#operations-Operation-${id}`
  await click(page, `${block} .opblock-control-arrow`)
  for (const button of ['.try-out__btn', '.execute']) {
    await until(async () => (await count(page, `${block} ${button}`)) > 0, { what: `${button} of ${id}` })
    await click(page, `${block} ${button}`)
  }
  const answer = `${block} .live-responses-table tbody .response-col_status`
  await until(async () => (await count(page, answer)) > 0, { what: `the page shows the answer of ${id}` })
  return page.evaluate<string>(`document.querySelector(${JSON.stringify(answer)}).textContent`)
}

const windows = {
  wide: { width: 1400, height: 1000 },
  phone: { width: 390, height: 844 },
  dark: { width: 390, height: 844, dark: true },
} as const

type Expect = (what: string, found: unknown, wanted: unknown) => void

/** How many pixels of the page are beyond the right edge of the window. */
const overflow = (page: Page): Promise<number> =>
  page.evaluate<number>('document.documentElement.scrollWidth - document.documentElement.clientWidth')

const lookAtHandbook = async (page: Page, url: string, expect: Expect): Promise<void> => {
  for (const [kind, window] of Object.entries(windows)) {
    await page.view(window)
    for (const name of pageNames) {
      await page.open(`${url}/docs/handbook/${name}`)
      expect(`${name} in a ${kind} window: pixels beyond it`, await overflow(page), 0)
      await page.screenshot(picture(`handbook-${name}-${kind}`))
    }
  }
  await page.open(`${url}/docs`)
  await page.screenshot(picture('top-phone'))
  await page.view(windows.wide)
}

const look = async (page: Page, url: string): Promise<string[]> => {
  const faults: string[] = []
  const expect: Expect = (what, found, wanted) => {
    console.log(`${what}: ${JSON.stringify(found)}`)
    if (found !== wanted) faults.push(`${what}: ${JSON.stringify(found)} instead of ${JSON.stringify(wanted)}`)
  }
  await lookAtHandbook(page, url, expect)
  await page.open(`${url}/docs`)
  // Every path has OPTIONS beside its operations.
  const wanted = Object.keys(operations).length + new Set(Object.values(operations).map(({ path }) => path)).size
  await until(async () => (await count(page, '.opblock')) >= wanted, { what: 'the routes are drawn' })
  expect('routes drawn', await count(page, '.opblock'), wanted)
  expect('topics drawn', await count(page, '#kafka article'), 4)
  await page.screenshot(picture('top'))
  await page.evaluate(`document.querySelector('#operations-Orders-placeOrder .opblock-control-arrow').click()`)
  await until(async () => (await count(page, '#operations-Orders-placeOrder .responses-inner')) > 0, {
    what: 'a route is opened',
  })
  await page.evaluate(`document.querySelector('#operations-Orders-placeOrder').scrollIntoView()`)
  await page.screenshot(picture('placeOrder'))
  expect('a request from the page', await tryOut(page, 'liveness'), '200')
  await page.evaluate(`document.querySelector('#kafka').scrollIntoView()`)
  await page.screenshot(picture('kafka'))
  await page.screenshot(picture('whole'), true)

  const elsewhere = page.requests.filter((request) => !request.startsWith(`${url}/`))
  for (const request of new Set(page.requests).difference(new Set(elsewhere)))
    console.log(`  ${request.slice(url.length)}`)
  expect('requests to others', elsewhere.join(' '), '')
  expect('complaints', page.complaints.join('\n'), '')
  return faults
}

const main = async (): Promise<number> => {
  if (process.argv.includes('--help')) {
    console.log(help)
    return 0
  }
  // Neither server is there: the page needs none.
  const env = { DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none', KAFKA_BOOTSTRAP_SERVERS: '127.0.0.1:1' }
  await using service = await startService({ env: { ...env, SERVER_HOST: '127.0.0.1' }, wait: 'live' })
  await using page = await openPage()
  const faults = await look(page, service.url)
  for (const fault of faults) console.log(`FAULT ${fault}`)
  console.log(`pictures: ${picture('*')}\n${faults.length} faults`)
  return faults.length === 0 ? 0 : 1
}

await runWithServers(main)
