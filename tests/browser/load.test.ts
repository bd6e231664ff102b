// Proves: with ten thousand orders and five hundred changes a second the table stays smooth: it holds the elements of one screen, frames go on
// while it is scrolled, and nothing is missed. How many frames there were is printed; how fast the machine is, is not judged.

import { expect, test } from '../support/explained.ts'
import { orderBody } from '../support/orderBody.ts'
import { until } from '../support/until.ts'
import { tradeOf } from '../support/world.ts'
import { expectQuiet, startBlotter } from './blotter.ts'

const { world, service, open } = await startBlotter({ withEngine: false })

const rows = 10_000
const batchMax = 250

const placeMany = async (): Promise<string[]> => {
  const ids: string[] = []
  for (let at = 0; at < rows; at += batchMax) {
    const orders = Array.from({ length: batchMax }, (_, i) =>
      orderBody({ ticker: `T${(at + i) % 97}`, quantity: 1_000 }),
    )
    const { results } = (await service.http('/orders/batch', { body: { orders } })).json as {
      results: { order: { id: string } }[]
    }
    ids.push(...results.map(({ order }) => order.id))
  }
  return ids
}

/** Counts frames, and the longest pause between two, until it is read. */
const countFrames = `(() => {
  const seen = { frames: 0, longestMs: 0, since: performance.now() }
  let last = performance.now()
  const next = (now) => {
    seen.frames += 1
    seen.longestMs = Math.max(seen.longestMs, now - last)
    last = now
    requestAnimationFrame(next)
  }
  requestAnimationFrame(next)
  globalThis.seenFrames = () => ({ ...seen, ms: performance.now() - seen.since })
})()`

test('ten thousand rows, five hundred changes a second', async () => {
  const ids = await placeMany()
  await using opened = await open()
  const { page } = opened
  const counts = page.locator('.orders-counts')
  await until(async () => (await counts.innerText()).includes(`${rows} open of ${rows}`), { what: 'all are here' })
  await page.evaluate(countFrames)
  const seconds = 10
  const perSecond = 500
  for (let second = 0; second < seconds; second++) {
    const trades = ids
      .slice(second * perSecond, (second + 1) * perSecond)
      .map((buyOrderId, i) => tradeOf({ buyOrderId, ticker: `T${(second * perSecond + i) % 97}`, quantity: 1_000 }))
    await Promise.all([world.publishTrades(...trades), page.mouse.move(400, 400), Bun.sleep(1_000)])
    await page.mouse.wheel(0, 4_000)
  }
  const left = rows - seconds * perSecond
  await until(async () => (await counts.innerText()).includes(`${left} open of ${rows}`), { what: 'every change came' })
  const seen = await page.evaluate<{ frames: number; longestMs: number; ms: number }>('seenFrames()')
  console.log(
    `${seen.frames} frames in ${(seen.ms / 1000).toFixed(1)} s (${((seen.frames * 1000) / seen.ms).toFixed(0)} a second); the longest pause ${seen.longestMs.toFixed(0)} ms`,
  )
  expect(seen.frames).toBeGreaterThan(0)
  expect(await page.getByRole('row').count()).toBeLessThan(200)
  expectQuiet(opened)
})
