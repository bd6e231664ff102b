// Proves: one event a line, nothing below the threshold, and a repeated event at most once in its time.

import { afterEach, describe, expect, spyOn, test } from 'bun:test'
import { createLog, describe as describeError, levels, type Level } from '../../src/telemetry/log.ts'

const logAt = (threshold: Level) => {
  const lines: string[] = []
  return { log: createLog(threshold, (line) => lines.push(line)), lines }
}
const parsed = (lines: string[]) =>
  lines.map((line) => {
    const { time: _, ...rest } = JSON.parse(line) as Record<string, unknown>
    return rest
  })

describe('a line', () => {
  test('is JSON with time, level, message and fields, in that order', () => {
    const { log, lines } = logAt('info')
    log.warn('slow "answer"\n', { ms: 12, table: 'orders', ok: false, none: null, tickers: ['AAPL'] })
    expect(lines).toHaveLength(1)
    expect(lines[0]).not.toContain('\n')
    expect(lines[0]).toMatch(/^\{"time":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z","level":"warn","message":"slow/)
    expect(parsed(lines)).toEqual([
      { level: 'warn', message: 'slow "answer"\n', ms: 12, table: 'orders', ok: false, none: null, tickers: ['AAPL'] },
    ])
  })

  test.each(levels.map((level) => [level] as const))(
    'at the threshold %s is written, a lower one is not',
    (threshold) => {
      const { log, lines } = logAt(threshold)
      for (const level of levels) log[level](level)
      for (const level of levels) log.rarely(level, level, `${level} rarely`)
      const written = levels.slice(levels.indexOf(threshold))
      expect(parsed(lines).map(({ message }) => message as string)).toEqual([
        ...written,
        ...written.map((level) => `${level} rarely`),
      ])
    },
  )
})

describe('rarely', () => {
  const clock = spyOn(performance, 'now')
  afterEach(() => {
    clock.mockRestore()
  })
  const at = (ms: number) => clock.mockImplementation(() => ms)

  test('writes once in five seconds for a key, and then how many were left out', () => {
    const { log, lines } = logAt('info')
    const say = () => log.rarely('error', 'key', 'down', { host: 'db' })
    at(1_000)
    say()
    say()
    at(5_999)
    say()
    expect(lines).toHaveLength(1)
    at(6_000)
    say()
    at(11_000)
    say()
    const down = { level: 'error', message: 'down', host: 'db' }
    expect(parsed(lines)).toEqual([down, { ...down, leftOut: 2 }, down])
  })

  test('counts every key by itself', () => {
    const { log, lines } = logAt('info')
    at(1_000)
    for (const key of ['a', 'b', 'a', 'b']) log.rarely('info', key, key)
    expect(parsed(lines).map(({ message }) => message as string)).toEqual(['a', 'b'])
  })

  test('forgets old keys rather than grow without end', () => {
    const { log, lines } = logAt('info')
    at(1_000)
    for (let i = 0; i < 5_000; i++) log.rarely('info', `key ${i}`, 'x')
    expect(lines).toHaveLength(5_000)
  })
})

describe('an error in the log', () => {
  test('has its own words and code, and nothing else of it', () => {
    const error = Object.assign(new Error('no route'), {
      code: 'EHOSTUNREACH',
      query: 'select 1',
      parameters: ['hunter2'],
    })
    expect(describeError(error)).toEqual({ error: 'no route', errorCode: 'EHOSTUNREACH' })
    expect(describeError(new TypeError('not a function'))).toEqual({ error: 'not a function' })
    expect(describeError(Object.assign(new Error('odd'), { code: 7 }))).toEqual({ error: 'odd' })
  })

  test('that groups several shows the first', () => {
    const several = new AggregateError([new Error('refused by a'), new Error('refused by b')], 'no broker')
    expect(describeError(several)).toEqual({ error: 'no broker: refused by a' })
    expect(describeError(new AggregateError([], 'nothing'))).toEqual({ error: 'nothing' })
    const nested = new AggregateError([several, new Error('unread')], 'sending failed')
    expect(describeError(nested)).toEqual({ error: 'sending failed: no broker: refused by a' })
  })

  test('with a cause shows the cause too, once', () => {
    const cause = new Error('no such login')
    expect(describeError(new Error('no connection', { cause }))).toEqual({ error: 'no connection: no such login' })
    expect(describeError(new Error('refused: no such login', { cause }))).toEqual({ error: 'refused: no such login' })
  })

  test('that is its own cause, directly or through another, ends', () => {
    const own = new Error('alone')
    own.cause = own
    expect(describeError(own)).toEqual({ error: 'alone' })
    const first = new Error('first')
    first.cause = new Error('second', { cause: first })
    expect(describeError(first)).toEqual({ error: 'first: second' })
  })

  test('that is no Error is its text', () => {
    expect(describeError('gone')).toEqual({ error: 'gone' })
    expect(describeError(undefined)).toEqual({ error: 'undefined' })
  })
})
