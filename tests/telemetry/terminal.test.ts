// Proves: a long command shows how far it is, to a person and to a log.

import { expect, test } from 'bun:test'
import { createProgress } from '../../src/telemetry/terminal.ts'

const screen = (isTTY: boolean) => {
  const written: string[] = []
  let now = 0
  const progress = createProgress({ isTTY, write: (text: string) => written.push(text) }, () => now)
  return { written, progress, pass: (ms: number) => (now += ms) }
}

test('a log gets a line every five seconds', () => {
  const { written, progress, pass } = screen(false)
  for (let i = 0; i < 120; i++) {
    pass(100)
    progress.show('orders', (i + 1) * 1_000, 240_000)
  }
  expect(written).toEqual(['50,000 of about 240,000 orders, 10,204/s\n', '100,000 of about 240,000 orders, 10,101/s\n'])
  progress.clear()
  expect(written).toHaveLength(2)
})

test('a person gets a bar, which makes room for what is printed', () => {
  const { written, progress, pass } = screen(true)
  pass(200)
  progress.show('orders', 50, 200)
  expect(written).toEqual(['\r\u001b[K########...................... 25 % 50 of about 200 orders'])
  progress.show('orders', 51, 200)
  progress.clear()
  progress.clear()
  expect(written.slice(1)).toEqual(['\r\u001b[K'])
})

test('an estimate that was too low never passes 100 %, and no estimate is no bar', () => {
  const { written, progress, pass } = screen(true)
  pass(200)
  progress.show('orders', 300, 200)
  pass(200)
  progress.show('letters', 7, null)
  expect(written).toEqual([`\r\u001b[K${'#'.repeat(30)} 100 % 300 of about 200 orders`, '\r\u001b[K7 letters'])
})
