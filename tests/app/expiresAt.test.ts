// Proves: when an order ends by the clock is fixed at its acceptance, by the calendar as it is then; a changed file of holidays is taken up,
// a broken one is not, and at the start it is a fault of the configuration.

import { afterAll, describe, expect, test } from 'bun:test'
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createExpiresAt, type ExpiresAt } from '../../src/app/expiresAt.ts'
import { parseHolidays, weekdays, type Calendar } from '../../src/domain/session.ts'
import { timesInForce } from '../../src/domain/terms.ts'
import { sessionRulesOrFaults } from '../../src/serve/session.ts'
import { quietLog } from '../support/quietLog.ts'
import { until } from '../support/until.ts'

const newYork: Calendar = {
  close: '16:00',
  timeZone: 'America/New_York',
  days: weekdays.slice(0, 5),
  holidays: parseHolidays('2026-11-26'),
}
const at = (text: string): Date => new Date(text)

describe('the end of an order', () => {
  const noon = at('2026-11-25T17:00:00.123Z')
  const ends = (gtcMaxDays: number) => {
    const expiresAt = createExpiresAt({ calendar: () => newYork, gtcMaxDays })
    return Object.fromEntries(timesInForce.map((timeInForce) => [timeInForce, expiresAt({ timeInForce }, noon)]))
  }

  test('is the close for DAY, and nothing that the service fixes for the others', () => {
    expect(ends(0)).toEqual({ GTC: null, IOC: null, FOK: null, DAY: '2026-11-25T21:00:00.000Z', GTD: null })
  })

  test('is an age for GTC where GTC_MAX_DAYS says so', () => {
    expect(ends(90)['GTC']).toBe('2027-02-23T17:00:00.123Z')
  })
})

test('a close is asked for once a session, and follows the clock in either direction', () => {
  let asked = 0
  const counting = {
    ...newYork,
    get holidays() {
      asked++
      return newYork.holidays
    },
  }
  const expiresAt = createExpiresAt({ calendar: () => counting, gtcMaxDays: 0 })
  const closes = (text: string) => expiresAt({ timeInForce: 'DAY' }, at(text))
  expect(closes('2026-11-25T17:00:00Z')).toBe('2026-11-25T21:00:00.000Z')
  const first = asked
  expect(first).toBeGreaterThan(0)
  expect(closes('2026-11-25T20:59:59.999Z')).toBe('2026-11-25T21:00:00.000Z')
  expect(asked).toBe(first)
  expect(closes('2026-11-25T21:00:00Z')).toBe('2026-11-27T21:00:00.000Z')
  // The clock was set back.
  expect(closes('2026-11-25T20:59:59.999Z')).toBe('2026-11-25T21:00:00.000Z')
})

describe('a file of holidays', () => {
  const folder = mkdtempSync(join(tmpdir(), 'orders-holidays-'))
  afterAll(() => rmSync(folder, { recursive: true }))
  const path = join(folder, 'holidays')
  const replace = (text: string): void => {
    writeFileSync(`${path}.new`, text)
    renameSync(`${path}.new`, path)
  }
  const { log, lines } = quietLog()
  const config = {
    SESSION_CLOSE: '16:00',
    SESSION_TIME_ZONE: 'America/New_York',
    SESSION_DAYS: weekdays.slice(0, 5),
    SESSION_HOLIDAYS_FILE: path,
    GTC_MAX_DAYS: 0,
  }
  const open = (): ExpiresAt | string[] => {
    const rules = sessionRulesOrFaults(config, log)
    return Array.isArray(rules) ? rules : rules.expiresAt
  }
  const eve = at('2026-12-24T15:00:00Z')

  test('is read again when it changes; a broken one keeps the last and is logged', async () => {
    replace('2026-12-25\n')
    const expiresAt = open()
    if (Array.isArray(expiresAt)) throw new Error(expiresAt.join())
    const close = (): string | null => expiresAt({ timeInForce: 'DAY' }, eve)
    expect(close()).toBe('2026-12-24T21:00:00.000Z')
    replace('2026-12-24 13:00\n2026-12-25\n')
    await until(() => close() === '2026-12-24T18:00:00.000Z', { what: 'the early close counts' })
    replace('2026-12-24 1pm\n')
    await until(() => close() !== null && lines.some(({ message }) => message.includes('stays in force')), {
      what: 'the fault is logged',
    })
    expect(close()).toBe('2026-12-24T18:00:00.000Z')
    expect(JSON.stringify(lines)).toContain('SESSION_HOLIDAYS_FILE')
    expect(JSON.stringify(lines)).not.toContain('1pm')
    replace('')
    await until(() => close() === '2026-12-24T21:00:00.000Z', { what: 'the file without dates counts' })
  })

  test.each([
    ['is broken', (): void => replace('Christmas'), 'line 1 is no YYYY-MM-DD'],
    ['is not there', (): void => rmSync(path), 'ENOENT'],
  ])('that %s is a fault at the start', (_, prepare, reason) => {
    replace('')
    prepare()
    expect(open()).toEqual([expect.stringContaining('SESSION_HOLIDAYS_FILE: the file cannot be used: ')])
    expect(String(open())).toContain(reason)
  })
})
