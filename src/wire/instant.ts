// Times as the engine may write them, read exactly to the microsecond.

import { numberText } from './json.ts'

/** ISO-8601 with a zone, seconds and fraction optional. Its groups: seconds with their colon, fraction with its point, zone. */
const isoInstant = ({ point, offset }: { point: string; offset: string }): string =>
  `^\\d{4}-\\d\\d-\\d\\d[Tt]\\d\\d:\\d\\d(:\\d\\d(${point}\\d{1,9})?)?([Zz]|[+-]${offset})$`

/** In a message. */
export const instantPattern = isoInstant({ point: '[.,]', offset: '([01]\\d|2[0-3]):?[0-5]\\d' })
/** In a query. */
export const queryInstantPattern = isoInstant({ point: '\\.', offset: '\\d\\d:?\\d\\d' })

const instantForm = new RegExp(instantPattern)
const jsonNumber = /^(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d{1,2}))?$/
/** Digits before the point of the last millisecond of the year 9999. */
const wholeDigitsMax = 15

/** Numbers from this one on are milliseconds, lower ones are seconds. */
const millisecondsFrom = 1e11
/** The end of the year 9999. */
const epochSecondsMax = 253_402_300_799n

const fromMicros = (micros: bigint): string | null => {
  const seconds = micros / 1_000_000n
  if (seconds > epochSecondsMax) return null
  const fraction = (micros % 1_000_000n).toString().padStart(6, '0')
  return `${new Date(Number(seconds) * 1000).toISOString().slice(0, 19)}.${fraction}Z`
}

/** The digits before and after the point of a JSON number's source text, with its exponent applied. */
const splitNumber = (text: string): { whole: string; fraction: string } | null => {
  const match = jsonNumber.exec(text)
  if (match === null) return null
  const [, integer = '', digits = '', exponent = '0'] = match
  const point = integer.length + Number(exponent)
  const all = integer + digits
  if (point <= 0) return { whole: '0', fraction: '0'.repeat(-point) + all }
  return {
    whole: all
      .slice(0, point)
      .padEnd(point, '0')
      .replace(/^0+(?=\d)/, ''),
    fraction: all.slice(point),
  }
}

const fromNumber = (text: string): string | null => {
  const split = splitNumber(text)
  if (split === null || split.whole.length > wholeDigitsMax) return null
  const perUnit = Number(split.whole) >= millisecondsFrom ? 3 : 6
  return fromMicros(BigInt(split.whole + split.fraction.slice(0, perUnit).padEnd(perUnit, '0')))
}

const fromIso = (text: string): string | null => {
  const match = instantForm.exec(text)
  if (match === null) return null
  const [, seconds = ':00', fraction = '', zone = ''] = match
  const local = `${text.slice(0, 10)}T${text.slice(11, 16)}${seconds.slice(0, 3)}`
  const asUtc = new Date(`${local}Z`)
  if (Number.isNaN(asUtc.getTime()) || asUtc.toISOString().slice(0, 19) !== local) return null
  const offset = /^z$/i.test(zone)
    ? 0
    : Number(`${zone[0]}1`) * (Number(zone.slice(1, 3)) * 60 + Number(zone.slice(-2)))
  const epochSeconds = asUtc.getTime() / 1000 - offset * 60
  if (epochSeconds < 0) return null
  return fromMicros(BigInt(epochSeconds) * 1_000_000n + BigInt(fraction.slice(1, 7).padEnd(6, '0')))
}

/**
 * An instant from a parsed JSON value: an ISO-8601 string with a zone, epoch seconds as a number, or epoch milliseconds
 * (numbers ≥ 1e11). Returns ISO-8601 UTC cut to microseconds, or null.
 */
export const instantFromJson = (value: unknown): string | null => {
  if (typeof value === 'string') return fromIso(value)
  const text = numberText(value)
  return text === null ? null : fromNumber(text)
}
