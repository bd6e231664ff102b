// How a page looks to somebody who cannot see it, or who has a small window: what is asked of every state of every page.

import axe, { type AxeResults } from 'axe-core'
import type { Page } from 'playwright-core'

/** How many pixels of the page are beyond the right edge of its window. */
export const overflow = (page: Page): Promise<number> =>
  page.evaluate<number>('document.documentElement.scrollWidth - document.documentElement.clientWidth')

/** What axe finds wrong, of WCAG 2.2 A and AA and of its own best practices: one line for each element. */
export const axeViolations = async (page: Page): Promise<string[]> => {
  await page.evaluate(`globalThis.axe === undefined && (() => { ${axe.source} })()`)
  const { violations } = await page.evaluate<AxeResults>('axe.run(document, { resultTypes: ["violations"] })')
  return violations.flatMap(({ id, help, nodes }) =>
    nodes.map(({ target, failureSummary = '' }) => `${id} (${help}) ${target.join(' ')}: ${failureSummary}`),
  )
}
