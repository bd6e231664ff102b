// The session calendar: when the trading session closes next, which is when DAY orders expire. A session is known by its close alone. Days
// and dates are those on which a session closes, in the time zone of the session, so a session that crosses midnight has the day of its end.

export const weekdays = ['MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT', 'SUN'] as const
type Weekday = (typeof weekdays)[number]

/** By date (`YYYY-MM-DD`): the time of the early close (`HH:MM`), or null if no session closes on that day. */
export type Holidays = ReadonlyMap<string, string | null>

/** `close`: `HH:MM`; `00:00` is the midnight that ends the day. `timeZone`: a name such as `America/New_York`. `days`: at least one. */
type SessionRule = { close: string; timeZone: string; days: readonly Weekday[] }
export type Calendar = SessionRule & { holidays: Holidays }

/** Of a time of the day, `HH:MM`. */
export const timePattern = /^(?:[01]\d|2[0-3]):[0-5]\d$/
const datePattern = /^\d{4}-\d{2}-\d{2}$/
const midnight = '00:00'

export const isTimeZone = (name: string): boolean => {
  try {
    return new Temporal.ZonedDateTime(0n, name).timeZoneId !== ''
  } catch {
    return false
  }
}

const isDate = (text: string): boolean => {
  try {
    return datePattern.test(text) && Temporal.PlainDate.from(text).toString() === text
  } catch {
    return false
  }
}

/** How many dates a file may have: those of some decades. */
const holidaysMax = 10_000

/**
 * Reads lines `YYYY-MM-DD` (no session) and `YYYY-MM-DD HH:MM` (an early close). Empty lines and what follows a `#` are skipped. Throws an
 * error whose message names the line and quotes nothing of it.
 */
export const parseHolidays = (text: string): Holidays => {
  const holidays = new Map<string, string | null>()
  for (const [i, line] of text.split(/\r?\n/).entries()) {
    const [date, time = null, ...rest] = line.replace(/#.*$/, '').trim().split(/\s+/) as [string, ...string[]]
    if (date === '') continue
    if (!isDate(date) || (time !== null && !timePattern.test(time)) || rest.length > 0)
      throw new Error(`line ${i + 1} is no YYYY-MM-DD, and no YYYY-MM-DD HH:MM`)
    if (holidays.has(date)) throw new Error(`line ${i + 1} has a date that stands above already`)
    holidays.set(date, time)
  }
  if (holidays.size > holidaysMax) throw new Error(`it has more than ${holidaysMax} dates`)
  return holidays
}

/** The time at which a session closes on this date; null if none does. */
const closeOn = ({ close, days, holidays }: Calendar, date: Temporal.PlainDate): string | null => {
  const exception = holidays.get(date.toString())
  if (exception !== undefined) return exception
  return days.includes(weekdays[date.dayOfWeek - 1]!) ? close : null
}

/** A time that the clock skips is moved on by what was skipped; of one that comes twice the first counts. */
const instantOf = (date: Temporal.PlainDate, time: string, timeZone: string): number => {
  const day = time === midnight ? date.add({ days: 1 }) : date
  return day.toPlainDateTime(time).toZonedDateTime(timeZone, { disambiguation: 'compatible' }).epochMilliseconds
}

/** The close of the session of this date (`YYYY-MM-DD`); null: it is no date, or no session closes on it. */
export const closeOfDate = (calendar: Calendar, text: string): Date | null => {
  if (!isDate(text)) return null
  const date = Temporal.PlainDate.from(text)
  const time = closeOn(calendar, date)
  return time === null ? null : new Date(instantOf(date, time, calendar.timeZone))
}

/** The first close of a session strictly after an instant. */
export const nextClose = (calendar: Calendar, after: Date): Date => {
  const { timeZone } = calendar
  const today = Temporal.Instant.fromEpochMilliseconds(after.getTime()).toZonedDateTimeISO(timeZone).toPlainDate()
  // The close of the day before may lie in this day. It ends: the holidays are finite, and some day of each week has a session.
  for (let date = today.subtract({ days: 1 }); ; date = date.add({ days: 1 })) {
    const time = closeOn(calendar, date)
    if (time === null) continue
    const at = instantOf(date, time, timeZone)
    if (at > after.getTime()) return new Date(at)
  }
}
