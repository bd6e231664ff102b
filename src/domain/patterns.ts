// The forms of the texts that come in from outside, each written once: as a pattern for the published documents, as words for whoever
// sent something else, and as a function that makes the canonical form (of a UUID: ids.ts). All patterns are plain enough for JSON Schema and Postgres.

/** `sent`: as it may come in. `stored`: as it is kept and leaves. */
type Form = { sent: string; stored: string; rule: string }

const uuidOf = (digits: string): string => `^${[8, 4, 4, 4, 12].map((length) => `[${digits}]{${length}}`).join('-')}$`

export const uuidForm: Form = { sent: uuidOf('0-9a-fA-F'), stored: uuidOf('0-9a-f'), rule: 'must be a UUID' }

const tickerOf = (letters: string): string => `^[${letters}0-9._/:^=+&@#-]{1,16}$`

/** Such as `BRK.B`, `BTC/USD`, `^GSPC`. Kept in upper case. No character of it needs an escape in JSON. */
export const tickerForm: Form = {
  sent: tickerOf('A-Za-z'),
  stored: tickerOf('A-Z'),
  rule: 'must be 1 to 16 of A-Z a-z 0-9 . - _ / : ^ = + & @ #',
}

/** A client's own name of an order. It is kept as it came. */
export const keyForm: Form = {
  sent: '^[ -~]{1,64}$',
  stored: '^[ -~]{1,64}$',
  rule: 'must be 1 to 64 printable ASCII characters',
}

const storedUuid = new RegExp(uuidForm.stored)
const storedTicker = new RegExp(tickerForm.stored)
const ticker = new RegExp(tickerForm.sent)
const key = new RegExp(keyForm.sent)

/** The upper-case form, or null for text that is no ticker. */
export const canonicalTicker = (text: string): string | null => (ticker.test(text) ? text.toUpperCase() : null)

/** The key itself, or null for text that is none. */
export const canonicalKey = (text: string): string | null => (key.test(text) ? text : null)

/** Whether a text is in its canonical form already. */
export const isStored = {
  uuid: (text: string): boolean => storedUuid.test(text),
  ticker: (text: string): boolean => storedTicker.test(text),
  key: (text: string): boolean => key.test(text),
} as const
