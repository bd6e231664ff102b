// What the tests of the blotter stand on: the compiled service in a world of its own with the reference engine, and a page that shows it.

import type { BrowserContextOptions, Locator, Page } from 'playwright-core'
import { startEngine } from '../support/engineProcess.ts'
import { afterAll, expect } from '../support/explained.ts'
import type { RunningService } from '../support/service.ts'
import { createWorld, type World } from '../support/world.ts'
import { startBrowser, type OpenPage } from './browser.ts'

export type Blotter = {
  world: World
  service: RunningService
  /** A page at a panel, as `orders` or `desk`; of another service, if one is given. */
  open: (panel?: string, options?: BrowserContextOptions, of?: RunningService) => Promise<OpenPage>
}

/** Everything ends after the last test of the file. `env`: of the service. */
export const startBlotter = async ({
  env = {},
  withEngine = true,
}: { env?: Record<string, string>; withEngine?: boolean } = {}): Promise<Blotter> => {
  const world = await createWorld({ env: { ENGINE_FEATURES: 'reports,display,post-only', ...env } })
  afterAll(() => world[Symbol.asyncDispose]())
  if (withEngine) {
    const engine = await startEngine(world.env)
    afterAll(() => engine[Symbol.asyncDispose]())
  }
  const service = await world.start()
  const browser = await startBrowser()
  afterAll(() => browser[Symbol.asyncDispose]())
  return {
    world,
    service,
    async open(panel = 'orders', options = {}, { url } = service) {
      const open = await browser.open(url, options)
      await open.page.goto(`${url}/#${panel}`)
      return open
    },
  }
}

/** Nothing was complained of, and nobody but the service was asked. */
export const expectQuiet = ({ complaints, elsewhere }: OpenPage): void =>
  expect({ complaints, elsewhere }).toEqual({ complaints: [], elsewhere: [] })

/** Answers the question of who and why, and sends it. */
export const answerQuestion = async (
  page: Page,
  { by, note, action }: { by: string; note: string; action: string },
): Promise<void> => {
  const dialog = page.getByRole('dialog')
  await dialog.getByLabel('Who').fill(by)
  await dialog.getByLabel('Why').fill(note)
  await dialog.getByRole('button', { name: action }).click()
}

export const signIn = async (page: Page, credential: string): Promise<void> => {
  await page.getByLabel('Token or API key').fill(credential)
  await page.getByRole('button', { name: 'Sign in' }).click()
}

/** Presses a shortcut once the page offers it: before, the key is nobody's. */
export const pressShortcut = async (page: Page, key: string): Promise<void> => {
  await page.locator(`[aria-keyshortcuts="${key}"]`).waitFor()
  await page.keyboard.press(key)
}

/** The row of the orders table with this ticker, and this side. */
export const rowOf = (page: Page, ticker: string, side = ''): Locator =>
  page.getByRole('row').filter({ hasText: ticker }).filter({ hasText: side })
