// Proves: with authentication on the page asks for a credential, keeps it in memory alone, offers what its scopes allow and nothing else, and
// shows nothing of others, after a change of the credential too.

import { expect, test } from '../support/explained.ts'
import { placeOrder } from '../support/placeOrder.ts'
import type { RunningService } from '../support/service.ts'
import { answerQuestion, expectQuiet, pressShortcut, rowOf, signIn, startBlotter } from './blotter.ts'
import { makeKeys, type ApiKey } from './keys.ts'

const scopes = {
  trader: 'orders:read,orders:write',
  other: 'orders:read,orders:write',
  reader: 'orders:read',
  admin: 'orders:admin',
}
const { keys, env } = await makeKeys(scopes)
const { service, open } = await startBlotter({ env })

/** An order of the key's own user. */
const placeAs = ({ key, subject }: ApiKey, ticker: string): Promise<string> => {
  const post: RunningService['post'] = (order) => service.post(order, { authorization: `Bearer ${key}` })
  return placeOrder({ ...service, post }, { ticker, userId: subject })
}

test('the story once with a credential: place, watch, cancel', async () => {
  await placeAs(keys.other, 'OTHERS')
  await using opened = await open()
  const { page } = opened
  await signIn(page, keys.trader.key)
  await page.getByText('Live', { exact: true }).waitFor()
  await pressShortcut(page, 'n')
  const form = page.getByRole('complementary', { name: 'New order' })
  await form.getByText('Sell', { exact: true }).click()
  await form.getByLabel('Ticker').fill('MINE')
  await form.getByLabel('Quantity').fill('10')
  await form.getByLabel('Price', { exact: true }).fill('5')
  await page.keyboard.press('Enter')
  await page.getByText('Accepted: ').waitFor()
  await placeAs(keys.other, 'MINE')
  await page.keyboard.press('Escape')
  // Another's buy at 150.5 takes all of it.
  await rowOf(page, 'MINE', 'Sell').filter({ hasText: 'Filled' }).waitFor()
  expect(await rowOf(page, 'MINE').count()).toBe(1)
  expect(await rowOf(page, 'OTHERS').count()).toBe(0)
  expectQuiet(opened)
})

test('a key that is none is refused in the words of the service, and the next one is taken', async () => {
  await using opened = await open()
  const { page } = opened
  await signIn(page, 'ok_nobody_0000')
  await page.getByRole('alert').waitFor()
  await signIn(page, keys.reader.key)
  await page.getByText('may read', { exact: true }).waitFor()
  expectQuiet(opened)
})

test('a reader is offered nothing that writes, and is told why there are no vital signs', async () => {
  await using opened = await open()
  const { page } = opened
  await signIn(page, keys.reader.key)
  await page.getByText('may read', { exact: true }).waitFor()
  expect(await page.getByRole('button', { name: 'New order' }).count()).toBe(0)
  await pressShortcut(page, '3')
  await page.getByText('Exceptions are shown').waitFor()
  expect(await page.getByRole('button', { name: /Halt|Resume|Resolve/ }).count()).toBe(0)
  await pressShortcut(page, '2')
  await page.getByText('needs the scope orders:admin').waitFor()
  expectQuiet(opened)
})

test('an administrator sees everybody, halts and resumes', async () => {
  await placeAs(keys.trader, 'TRADERS')
  await using opened = await open()
  const { page } = opened
  await signIn(page, keys.admin.key)
  await rowOf(page, 'TRADERS').waitFor()
  await pressShortcut(page, '2')
  await page.getByText('Orders placed').waitFor()
  await pressShortcut(page, '3')
  await page.getByRole('button', { name: 'Halt all trading' }).click()
  await answerQuestion(page, { by: 'admin', note: 'drill', action: 'Halt all trading' })
  await page.getByRole('button', { name: 'Resume all trading' }).click()
  await answerQuestion(page, { by: 'admin', note: 'over', action: 'Resume all trading' })
  await page.getByRole('button', { name: 'Halt all trading' }).waitFor()
  expectQuiet(opened)
})

test('after signing out nothing is left, and the next one sees nothing of the one before', async () => {
  await placeAs(keys.trader, 'SECRET')
  await placeAs(keys.other, 'VISIBLE')
  await using opened = await open()
  const { page } = opened
  await signIn(page, keys.trader.key)
  await rowOf(page, 'SECRET').waitFor()
  await page.getByRole('button', { name: 'Sign out' }).click()
  await page.getByLabel('Token or API key').waitFor()
  expect(await page.getByText('SECRET').count()).toBe(0)
  await signIn(page, keys.other.key)
  await rowOf(page, 'VISIBLE').waitFor()
  expect(await page.getByText('SECRET').count()).toBe(0)
  expect(await page.evaluate<string>('JSON.stringify([localStorage, sessionStorage, document.cookie])')).toBe(
    '[{},{},""]',
  )
  await page.reload()
  await page.getByLabel('Token or API key').waitFor()
  expectQuiet(opened)
})
