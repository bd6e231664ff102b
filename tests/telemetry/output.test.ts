// Proves: lines reach standard output in their order, a reader that reads nothing costs no more than a bound of memory and says afterwards how
// many lines were left out, and the end of the process waits for no such reader.

import { expect, test } from 'bun:test'
import { createOutput } from '../../src/telemetry/output.ts'

type Done = (error: Error | null, written: number) => void

const start = () => {
  const texts: string[] = []
  const state = { now: 0, under: null as { bytes: Uint8Array; done: Done } | null }
  const output = createOutput({
    write: (bytes, done) => (state.under = { bytes, done }),
    writeNow: (bytes) => texts.push(Buffer.from(bytes).toString()),
    clock: () => state.now,
  })
  /** The system takes so many bytes of the write that is under way. */
  const take = (count = Infinity): void => {
    const { bytes, done } = state.under!
    const taken = bytes.subarray(0, count)
    state.under = null
    texts.push(Buffer.from(taken).toString())
    done(null, taken.length)
  }
  return { output, state, take, text: () => texts.join('') }
}

test('lines come in their order, also when the system takes a part of them', () => {
  const { output, take, state, text } = start()
  for (const line of ['one', 'two', 'three']) output.line(line)
  take(2)
  output.line('four')
  while (state.under !== null) take()
  expect(text()).toBe('one\ntwo\nthree\nfour\n')
})

test('what nobody reads is bounded, and counted where it is missing', () => {
  const { output, take, state, text } = start()
  const line = 'x'.repeat(1_000_000)
  for (let i = 0; i < 50; i++) output.line(line)
  while (state.under !== null) take()
  const lines = text().trim().split('\n')
  expect(lines).toHaveLength(6)
  expect(JSON.parse(lines.at(-1)!)).toMatchObject({ level: 'warn', leftOut: 45 })
})

test('at the end the rest is written, unless a write is stuck', () => {
  const fresh = start()
  fresh.output.line('under way')
  fresh.output.line('the last word')
  fresh.output.end()
  expect(fresh.text()).toBe('the last word\n')
  const stuck = start()
  stuck.output.line('under way')
  stuck.output.line('the last word')
  stuck.state.now = 1_001
  stuck.output.end()
  expect(stuck.text()).toBe('')
})

test('a reader that is gone ends nothing', () => {
  const { output, state } = start()
  output.line('one')
  state.under!.done(Object.assign(new Error('broken pipe'), { code: 'EPIPE' }), 0)
  output.line('two')
  expect(state.under).not.toBeNull()
})
