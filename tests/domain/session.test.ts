// Proves: the next close of the session is right over daylight saving in both directions, holidays, early closes, the end of the year and
// sessions that cross midnight; a file of holidays is read whole or refused with its line.

import { describe, expect, test } from 'bun:test'
import { assert, constantFrom, date, integer, property } from 'fast-check'
import { isTimeZone, closeOfDate, nextClose, parseHolidays, weekdays, type Calendar } from '../../src/domain/session.ts'

const workdays = weekdays.slice(0, 5)
const calendarOf = (some: Partial<Calendar>): Calendar => ({
  close: '00:00',
  timeZone: 'UTC',
  days: weekdays,
  holidays: new Map(),
  ...some,
})
const closes = (some: Partial<Calendar>, after: string): string =>
  nextClose(calendarOf(some), new Date(after)).toISOString().replace('.000Z', 'Z')

const newYork = { close: '16:00', timeZone: 'America/New_York', days: workdays }
const london = { close: '16:30', timeZone: 'Europe/London', days: workdays }
const tokyo = { close: '15:30', timeZone: 'Asia/Tokyo', days: workdays }

describe('by default the session closes at each midnight of UTC', () => {
  test.each([
    ['2026-11-27T02:00:00Z', '2026-11-28T00:00:00Z'],
    ['2026-12-31T23:59:59.999Z', '2027-01-01T00:00:00Z'],
    ['2028-02-28T12:00:00Z', '2028-02-29T00:00:00Z'],
  ])('after %s at %s', (after, at) => {
    expect(closes({}, after)).toBe(at)
  })
})

describe('the close lies strictly after the instant', () => {
  test.each([
    ['a millisecond before it', '2026-11-27T20:59:59.999Z', '2026-11-27T21:00:00Z'],
    ['at it', '2026-11-27T21:00:00Z', '2026-11-30T21:00:00Z'],
    ['a millisecond after it', '2026-11-27T21:00:00.001Z', '2026-11-30T21:00:00Z'],
  ])('%s', (_, after, at) => {
    expect(closes(newYork, after)).toBe(at)
  })
})

describe('daylight saving', () => {
  test.each([
    ['New York, before it begins', newYork, '2026-03-06T15:00:00Z', '2026-03-06T21:00:00Z'],
    ['New York, over its beginning', newYork, '2026-03-06T22:00:00Z', '2026-03-09T20:00:00Z'],
    ['New York, before it ends', newYork, '2026-10-30T15:00:00Z', '2026-10-30T20:00:00Z'],
    ['New York, over its end', newYork, '2026-10-30T20:00:00Z', '2026-11-02T21:00:00Z'],
    ['London, before it begins', london, '2026-03-27T12:00:00Z', '2026-03-27T16:30:00Z'],
    ['London, over its beginning', london, '2026-03-27T17:00:00Z', '2026-03-30T15:30:00Z'],
    ['London, before it ends', london, '2026-10-23T12:00:00Z', '2026-10-23T15:30:00Z'],
    ['London, over its end', london, '2026-10-23T16:00:00Z', '2026-10-26T16:30:00Z'],
    ['Tokyo has none: in March', tokyo, '2026-03-27T07:00:00Z', '2026-03-30T06:30:00Z'],
    ['Tokyo has none: in October', tokyo, '2026-10-23T07:00:00Z', '2026-10-26T06:30:00Z'],
  ])('%s', (_, calendar, after, at) => {
    expect(closes(calendar, after)).toBe(at)
  })

  const nightly = { timeZone: 'America/New_York' }
  test('a close that the clock skips comes as much later as was skipped', () => {
    // On 8 March 2026 the clock goes from 02:00 EST to 03:00 EDT; 02:30 would have been 07:30Z.
    expect(closes({ ...nightly, close: '02:30' }, '2026-03-08T00:00:00Z')).toBe('2026-03-08T07:30:00Z')
    expect(closes({ ...nightly, close: '02:30' }, '2026-03-08T07:30:00Z')).toBe('2026-03-09T06:30:00Z')
  })

  test('of a close that comes twice the first counts, and the second is none', () => {
    // On 1 November 2026 the clock goes from 02:00 EDT back to 01:00 EST.
    expect(closes({ ...nightly, close: '01:30' }, '2026-11-01T00:00:00Z')).toBe('2026-11-01T05:30:00Z')
    expect(closes({ ...nightly, close: '01:30' }, '2026-11-01T05:30:00Z')).toBe('2026-11-02T06:30:00Z')
  })

  test('a midnight that the clock skips', () => {
    // In Beirut the clock goes from 00:00 to 01:00 on 29 March 2026: the day before ends where the next begins, at 01:00.
    const beirut = { timeZone: 'Asia/Beirut' }
    expect(closes(beirut, '2026-03-28T12:00:00Z')).toBe('2026-03-28T22:00:00Z')
    expect(closes(beirut, '2026-03-28T22:00:00Z')).toBe('2026-03-29T21:00:00Z')
  })

  test('a close that is moved on into the next day', () => {
    // In Nuuk the clock goes from 23:00 on Saturday to 00:00 on Sunday, 29 March 2026, at 01:00Z.
    const nuuk = { close: '23:30', timeZone: 'America/Nuuk' }
    expect(closes(nuuk, '2026-03-29T01:10:00Z')).toBe('2026-03-29T01:30:00Z')
  })
})

describe('holidays', () => {
  const holidays = parseHolidays('2026-11-26\n2026-11-27 13:00\n2026-12-24 13:00\n2026-12-25\n2027-01-01\n')
  const calendar = { ...newYork, holidays }
  test.each([
    ['no session on a holiday, the early close after it', '2026-11-25T21:00:00Z', '2026-11-27T18:00:00Z'],
    ['after the early close, the usual close of that day is none', '2026-11-27T18:00:00Z', '2026-11-30T21:00:00Z'],
    ['an early close, a holiday, a weekend', '2026-12-24T18:00:00Z', '2026-12-28T21:00:00Z'],
    ['over the end of the year', '2026-12-31T21:00:00Z', '2027-01-04T21:00:00Z'],
  ])('%s', (_, after, at) => {
    expect(closes(calendar, after)).toBe(at)
  })

  test('a session on a day that has none otherwise', () => {
    const saturday = { ...newYork, holidays: parseHolidays('2026-11-28 12:00') }
    expect(closes(saturday, '2026-11-27T21:00:00Z')).toBe('2026-11-28T17:00:00Z')
  })

  test('with a close at midnight they are the days that end then', () => {
    const atMidnight = { days: workdays, holidays: parseHolidays('2026-12-24 13:00\n2026-12-25') }
    // Friday's session ends as Saturday begins.
    expect(closes(atMidnight, '2026-11-27T15:00:00Z')).toBe('2026-11-28T00:00:00Z')
    expect(closes(atMidnight, '2026-11-28T00:00:00Z')).toBe('2026-12-01T00:00:00Z')
    expect(closes(atMidnight, '2026-12-24T00:00:00Z')).toBe('2026-12-24T13:00:00Z')
    expect(closes(atMidnight, '2026-12-24T13:00:00Z')).toBe('2026-12-29T00:00:00Z')
  })
})

describe('a session that crosses midnight closes on the day of its end', () => {
  const night = { close: '02:00', timeZone: 'America/New_York', days: weekdays.slice(1, 6) }
  test.each([
    ['before midnight', '2026-12-02T03:00:00Z', '2026-12-02T07:00:00Z'],
    ['after midnight', '2026-12-02T06:00:00Z', '2026-12-02T07:00:00Z'],
    ['after the last of the week', '2026-12-05T07:00:00Z', '2026-12-08T07:00:00Z'],
    ['where the clock skips it', '2026-03-07T07:00:00Z', '2026-03-10T06:00:00Z'],
  ])('%s', (_, after, at) => {
    expect(closes(night, after)).toBe(at)
  })
})

/** Hour, minute and weekday by another implementation of the same clock. */
const clockIn = (timeZone: string) => {
  const format = new Intl.DateTimeFormat('en-GB', {
    timeZone,
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    hour12: false,
  })
  return (at: Date): string => format.format(at)
}

test('after any instant of a year: the clock shows the close, and it did not in between', () => {
  const zones = ['America/New_York', 'Europe/London', 'Asia/Kathmandu', 'Australia/Lord_Howe', 'UTC']
  const instants = date({
    min: new Date('2026-01-01T00:00:00Z'),
    max: new Date('2027-12-31T00:00:00Z'),
    noInvalidDate: true,
  })
  assert(
    property(instants, constantFrom(...zones), integer({ min: 4, max: 22 }), (after, timeZone, hour) => {
      const close = `${String(hour).padStart(2, '0')}:15`
      const at = nextClose(calendarOf({ close, timeZone }), after)
      const clock = clockIn(timeZone)
      expect(at > after).toBe(true)
      expect(clock(at)).toBe(`${close}:00`)
      for (let t = at.getTime() - 900_000; t > after.getTime(); t -= 900_000)
        expect(clock(new Date(t))).not.toBe(`${close}:00`)
    }),
    { numRuns: 200 },
  )
})

describe('a file of holidays', () => {
  test('has comments, empty lines and any line ends', () => {
    expect([...parseHolidays('# 2026\r\n\r\n2026-12-25 # Christmas\r\n  2026-12-24   13:00  \n')]).toEqual([
      ['2026-12-25', null],
      ['2026-12-24', '13:00'],
    ])
    expect([...parseHolidays('')]).toEqual([])
  })

  test.each([
    ['a date that is none', '2026-02-30', 'line 1 '],
    ['a date in another form', '2026-12-25\n25.12.2026', 'line 2 '],
    ['a month without a day', '2026-12', 'line 1 '],
    ['a time that is none', '2026-12-24 24:00', 'line 1 '],
    ['more than a time', '2026-12-24 13:00 Christmas', 'line 1 '],
    ['a date twice', '2026-12-24\n2026-12-24 13:00', 'line 2 '],
  ])('is refused for %s, with the line and without its text', (_, text, line) => {
    const read = () => parseHolidays(text)
    expect(read).toThrow(line)
    expect(read).not.toThrow('2026')
  })

  test('has a limit', () => {
    const first = Date.parse('2000-01-01T00:00:00Z')
    const dates = Array.from({ length: 10_001 }, (_, i) => new Date(first + i * 86_400_000).toISOString().slice(0, 10))
    expect(parseHolidays(dates.slice(1).join('\n')).size).toBe(10_000)
    expect(() => parseHolidays(dates.join('\n'))).toThrow('more than 10000 dates')
    // The walk passes all of them.
    const beforeThem = new Date(first + 86_400_000)
    const close = nextClose(calendarOf({ holidays: parseHolidays(dates.slice(1).join('\n')) }), beforeThem)
    expect(close.getTime()).toBe(first + 10_002 * 86_400_000)
  })
})

describe('the close of a date', () => {
  test('is that of its session: midnight is the end of the day, an early close counts, a holiday has none', () => {
    const holidays = parseHolidays('2026-12-25\n2026-12-24 13:00')
    const closeOf = (date: string, changes: object = {}) =>
      closeOfDate(
        calendarOf({ close: '16:00', timeZone: 'America/New_York', holidays, ...changes }),
        date,
      )?.toISOString()
    expect(closeOf('2026-01-30')).toBe('2026-01-30T21:00:00.000Z')
    expect(closeOf('2026-07-30')).toBe('2026-07-30T20:00:00.000Z')
    expect(closeOf('2026-12-24')).toBe('2026-12-24T18:00:00.000Z')
    expect(closeOf('2026-01-30', { close: '00:00', timeZone: 'UTC' })).toBe('2026-01-31T00:00:00.000Z')
    for (const none of ['2026-12-25', '2026-02-30', '20260130', '', 'x']) expect(closeOf(none)).toBeUndefined()
    expect(closeOf('2026-01-31', { days: ['MON'] })).toBeUndefined()
  })
})

test.each([
  ['Europe/London', true],
  ['UTC', true],
  ['America/New_York', true],
  ['Europe/Atlantis', false],
  ['16:00', false],
  ['', false],
])('"%s" is a time zone: %p', (name, is) => {
  expect(isTimeZone(name)).toBe(is)
})
