// Times in the viewer's zone, with UTC at hand.

const clock = new Intl.DateTimeFormat(undefined, {
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  hourCycle: 'h23',
})
const exact = new Intl.DateTimeFormat(undefined, {
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  fractionalSecondDigits: 3,
  hourCycle: 'h23',
})
const day = new Intl.DateTimeFormat(undefined, { day: '2-digit', month: 'short' })
const zone = new Intl.DateTimeFormat(undefined, { timeZoneName: 'short' })

/** The day of an instant in the viewer's zone. */
const dayOf = (at: Date): string => at.toDateString()

/** `19:04:31`; with its day where that is not today: `26 Nov 19:04:31`. */
export const shortTime = (instant: string, now: Date = new Date()): string => {
  const at = new Date(instant)
  return dayOf(at) === dayOf(now) ? clock.format(at) : `${day.format(at)} ${clock.format(at)}`
}

/** To the millisecond: `19:04:31.123`. */
export const exactTime = (instant: string): string => exact.format(new Date(instant))

export const dayText = (instant: string): string => day.format(new Date(instant))

/** `2026-11-26 20:00:40.206 UTC` */
export const utcTime = (instant: string): string => `${instant.replace('T', ' ').replace('Z', '')} UTC`

/** What the viewer's zone is called now, such as `CET`. */
export const zoneName = (): string =>
  zone.formatToParts(new Date()).find(({ type }) => type === 'timeZoneName')?.value ?? 'local'

/** Whether the viewer's zone is UTC, so that nothing has to be said twice. */
export const isUtc = (): boolean => new Date().getTimezoneOffset() === 0
