// The forms of the texts that come in from outside. Each is declared once: as a pattern for the published documents, as a rule for error
// messages, and as a function that returns the canonical form (for a UUID: ids.ts). All patterns are plain enough for JSON Schema and
// Postgres.

/**
 * `sent`: the pattern of a text that comes in. `stored`: the pattern of the text that is stored and sent on. `rule`: completes "<member> …"
 * in an error message.
 */
type Form = { sent: string; stored: string; rule: string }

const uuidOf = (digits: string): string => `^${[8, 4, 4, 4, 12].map((length) => `[${digits}]{${length}}`).join('-')}$`

export const uuidForm: Form = { sent: uuidOf('0-9a-fA-F'), stored: uuidOf('0-9a-f'), rule: 'must be a UUID' }

const tickerOf = (letters: string): string => `^[${letters}0-9._/:^=+&@#-]{1,16}$`

/** Such as `BRK.B`, `BTC/USD`, `^GSPC`. Stored in upper case. None of its characters needs an escape in JSON. */
export const tickerForm: Form = {
  sent: tickerOf('A-Za-z'),
  stored: tickerOf('A-Z'),
  rule: 'must be 1 to 16 of A-Z a-z 0-9 . - _ / : ^ = + & @ #',
}

/** A client's own name for an order. It is stored as it came. */
export const keyForm: Form = {
  sent: '^[ -~]{1,64}$',
  stored: '^[ -~]{1,64}$',
  rule: 'must be 1 to 64 printable ASCII characters',
}

/**
 * An instant with its zone, cut to the millisecond. Its pattern is that of RFC 3339 with seconds: what is no day of the calendar is refused
 * as well.
 */
export const instantForm: Form = {
  sent: '^\\d{4}-\\d\\d-\\d\\d[Tt]\\d\\d:\\d\\d:\\d\\d(\\.\\d{1,9})?([Zz]|[+-]\\d\\d:\\d\\d)$',
  stored: '^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}Z$',
  rule: 'must be an instant with its zone, such as 2026-01-31T21:00:00Z',
}

const storedUuid = new RegExp(uuidForm.stored)
const storedTicker = new RegExp(tickerForm.stored)
const storedInstant = new RegExp(instantForm.stored)
const instant = new RegExp(instantForm.sent)
const ticker = new RegExp(tickerForm.sent)
const key = new RegExp(keyForm.sent)

/** The upper-case form, or null if the text is not a ticker. */
export const canonicalTicker = (text: string): string | null => (ticker.test(text) ? text.toUpperCase() : null)

/** The key itself, or null if the text is not a key. */
export const canonicalKey = (text: string): string | null => (key.test(text) ? text : null)

/** The first years and the last that Postgres, JSON and the clients all can write. */
const yearFrom = 1970
const yearTo = 9999

/** In UTC, cut to the millisecond; null if the text is no instant with a zone, or no day of the calendar. */
export const canonicalInstant = (text: string): string | null => {
  if (!instant.test(text)) return null
  const upper = text.toUpperCase()
  const at = new Date(upper)
  // A Date takes 30 February for 1 March, and 24 o'clock for the next day.
  const day = new Date(`${upper.slice(0, 10)}T00:00:00Z`)
  if (Number.isNaN(at.getTime()) || Number.isNaN(day.getTime()) || day.getUTCDate() !== Number(upper.slice(8, 10)))
    return null
  if (upper.slice(11, 13) === '24') return null
  const year = at.getUTCFullYear()
  return year < yearFrom || year > yearTo ? null : at.toISOString()
}

/** Whether a text is in its canonical form already. */
export const isStored = {
  uuid: (text: string): boolean => storedUuid.test(text),
  ticker: (text: string): boolean => storedTicker.test(text),
  key: (text: string): boolean => key.test(text),
  instant: (text: string): boolean => storedInstant.test(text) && canonicalInstant(text) === text,
} as const
