// A headless Chromium whose pages reach one service and nothing else. It records every complaint of a page and every request to anybody else.

import { chromium, type Browser, type BrowserContextOptions, type Page } from 'playwright-core'
import { inRepo } from '../../src/build/repository.ts'
import { requireChromium } from './executable.ts'
import { openNowhere } from './nowhere.ts'

export type OpenPage = AsyncDisposable & {
  page: Page
  /** Refusals of the content policy, uncaught exceptions, whatever was written to the console as an error. */
  complaints: string[]
  /** What was asked of anybody but the service. */
  elsewhere: string[]
}

export type Testing = AsyncDisposable & {
  /** A page in a context of its own, as of a visitor who comes for the first time. `url`: of the service that it may reach. */
  open: (url: string, options?: BrowserContextOptions) => Promise<OpenPage>
}

/** Features by which Chromium itself asks its maker for something, such as what the fields of a form mean; these replace Playwright's list. */
const ownRequests = [
  'AutofillServerCommunication',
  'AimEnabled',
  'HttpsUpgrades',
  'MediaRouter',
  'NetworkTimeServiceQuerying',
  'OptimizationHints',
  'PreconnectToSearch',
]

const hangsAfterMs = 110_000

/** Status codes are answers that a page may expect; that they are refusals is for the test to say. */
const isAnswer = (text: string): boolean => text.startsWith('Failed to load resource:')

const openPage = async (browser: Browser, url: string, options: BrowserContextOptions): Promise<OpenPage> => {
  const nowhere = await openNowhere()
  const context = await browser.newContext({
    viewport: { width: 1440, height: 900 },
    // Chromium lets this machine's own addresses pass a proxy by default; here only the service may.
    proxy: { server: nowhere.url, bypass: `<-loopback>,${new URL(url).host}` },
    ...options,
  })
  // It ends what would hang, and measures nothing.
  context.setDefaultTimeout(hangsAfterMs)
  const page = await context.newPage()
  const complaints: string[] = []
  page.on('pageerror', (error) => complaints.push(error.stack ?? String(error)))
  page.on('console', (message) => {
    if (message.type() === 'error' && !isAnswer(message.text())) complaints.push(message.text())
  })
  return {
    page,
    complaints,
    elsewhere: nowhere.asked,
    async [Symbol.asyncDispose]() {
      await context.close()
      await nowhere[Symbol.asyncDispose]()
    },
  }
}

/** One Chromium for a test file. Playwright ends it also if this process is killed: it lives on a pipe of it. */
export const startBrowser = async (): Promise<Testing> => {
  // A container's root has no sandbox; these pages are our own.
  const browser = await chromium.launch({
    executablePath: requireChromium(),
    chromiumSandbox: false,
    args: [`--disable-features=${ownRequests.join(',')}`],
  })
  return {
    open: (url, options = {}) => openPage(browser, url, options),
    [Symbol.asyncDispose]: () => browser.close(),
  }
}

/** Where a picture lies. `name` without its ending. */
export const picture = (name: string): string => inRepo('.data', 'browser', `${name}.png`)
