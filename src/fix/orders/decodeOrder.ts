// NewOrderSingle (D) as terms of an order. Which terms an order may have says the table of terms, as for every door; here stand the tags, the
// codes and the forms of FIX alone.

import { amountDetail, digitsText, parsePlainAmount, type Amount, type AmountDigits } from '../../domain/decimal.ts'
import { canonicalInstant } from '../../domain/patterns.ts'
import { closeOfDate, type Calendar } from '../../domain/session.ts'
import { canonicalText, presenceFaults, ruleOf, type TermFault, type TermsDraft } from '../../domain/termFaults.ts'
import { terms, type OrderTerms, type TermName, type TextTerm } from '../../domain/terms.ts'
import { postOnlyCode, sideCodes, timeInForceCodes, typeCodes, wordOf, type OrdRejReason } from './codes.ts'
import { nameOf, valuesOf, type Received, type Values } from './fields.ts'
import { expireDateTag, tagFault, termTags } from './orderTags.ts'
import { clOrdIdRule, keyOfClOrdId, type OrderSession } from './session.ts'

/** `missing`: a field that this order needs. `text` is a sentence that begins with the tag. */
export type OrderFault = { kind: 'missing' | OrdRejReason; tag: number; text: string }

/** `day`: YYYYMMDD, the day of the session. `calendar`: the closes of the trading session, in its time zone. */
export type DecodeOptions = { session: OrderSession; day: string; calendar: Calendar; digits: AmountDigits }

export type DecodedOrder = { ok: true; terms: OrderTerms } | { ok: false; faults: readonly OrderFault[] }

/** Null: the field is absent. A fault completes "<tag> …". */
type Read<T> = { value: T | null } | { fault: string; kind?: OrdRejReason }

const fixFloat = /^(?=\.?\d)(\d*)(?:\.(\d*))?$/

/** FIX lets a number have zeros before it and end with its point: `007.50`, `7.`, `.5`. */
const plainOf = (text: string): string => {
  const match = fixFloat.exec(text)
  if (match === null) return text
  const [, integer = '', fraction = ''] = match
  return `${integer.replace(/^0+/, '') || '0'}${fraction === '' ? '' : `.${fraction}`}`
}

const readAmount = (text: string | undefined, digits: AmountDigits): Read<Amount> => {
  if (text === undefined) return { value: null }
  if (/^-[\d.]+$/.test(text)) return { fault: amountDetail('NOT_POSITIVE', digits) }
  const parsed = parsePlainAmount(plainOf(text), digits)
  if (parsed.ok) return { value: parsed.amount }
  return parsed.fault === 'NOT_A_NUMBER'
    ? { fault: `must be a decimal > 0 with at most ${digitsText(digits)}, without an exponent` }
    : { fault: amountDetail(parsed.fault, digits) }
}

const readChoice = <W extends string>(codes: Readonly<Record<W, string>>, code: string | undefined): Read<W> => {
  if (code === undefined) return { value: null }
  const word = wordOf(codes, code)
  if (word !== undefined) return { value: word }
  const known = (Object.entries(codes) as [W, string][]).map(([name, value]) => `${value} (${name})`)
  return { fault: `must be ${known.join(', ')}`, kind: 'unsupported' }
}

const utcTimestampForm = /^(\d{4})(\d\d)(\d\d)-(\d\d:\d\d:\d\d)(\.\d{1,12})?$/

const readExpireTime = (text: string): Read<string> => {
  const match = utcTimestampForm.exec(text)
  // What is kept has milliseconds.
  const [, year, month, day, time, fraction = ''] = match ?? []
  const instant = match === null ? null : canonicalInstant(`${year}-${month}-${day}T${time}${fraction.slice(0, 4)}Z`)
  return instant === null ? { fault: 'must be a time in UTC such as 20260131-21:00:00' } : { value: instant }
}

const readExpireDate = (text: string, calendar: Calendar): Read<string> => {
  const date = /^\d{8}$/.test(text) ? `${text.slice(0, 4)}-${text.slice(4, 6)}-${text.slice(6)}` : ''
  const close = closeOfDate(calendar, date)
  // The calendar knows closes that no order can have, such as one of 1900.
  const instant = close === null ? null : canonicalInstant(close.toISOString())
  return instant === null ? { fault: 'must be a date such as 20260131 on which a session closes' } : { value: instant }
}

const readUser = (account: string | undefined, { user, accounts }: OrderSession): Read<string> => {
  if (account === undefined) return { value: user }
  const named = accounts.get(account)
  return named === undefined
    ? { fault: 'must be an account of this session', kind: 'unknownAccount' }
    : { value: named }
}

const readTicker = (symbol: string | undefined): Read<string> => {
  if (symbol === undefined) return { value: null }
  const term = terms.find(({ name }) => name === 'ticker') as TextTerm
  const ticker = canonicalText(term, symbol)
  return ticker === null ? { fault: ruleOf(term), kind: 'unknownSymbol' } : { value: ticker }
}

const readExecInst = (text: string | undefined): Read<true> => {
  if (text === undefined) return { value: null }
  return text.split(' ').every((one) => one === postOnlyCode)
    ? { value: true }
    : { fault: `must be ${postOnlyCode} (participate, do not initiate), or be left out`, kind: 'unsupported' }
}

const readKey = (clOrdId: string | undefined, { session, day }: DecodeOptions): Read<string> => {
  if (clOrdId === undefined) return { value: null }
  const key = keyOfClOrdId(clOrdId, session, day)
  return key === null ? { fault: clOrdIdRule(session) } : { value: key }
}

const readers = {
  userId: (values, { session }) => readUser(values.get(termTags.userId), session),
  clientOrderId: (values, options) => readKey(values.get(termTags.clientOrderId), options),
  ticker: (values) => readTicker(values.get(termTags.ticker)),
  side: (values) => readChoice(sideCodes, values.get(termTags.side)),
  type: (values) => readChoice(typeCodes, values.get(termTags.type)),
  timeInForce: (values) => readChoice(timeInForceCodes, values.get(termTags.timeInForce) ?? timeInForceCodes.DAY),
  quantity: (values, { digits }) => readAmount(values.get(termTags.quantity), digits),
  price: (values, { digits }) => readAmount(values.get(termTags.price), digits),
  stopPrice: (values, { digits }) => readAmount(values.get(termTags.stopPrice), digits),
  displayQuantity: (values, { digits }) => readAmount(values.get(termTags.displayQuantity), digits),
  postOnly: (values) => readExecInst(values.get(termTags.postOnly)),
  expiresAt(values, { calendar }) {
    const time = values.get(termTags.expiresAt)
    const date = values.get(expireDateTag)
    if (date === undefined) return time === undefined ? { value: null } : readExpireTime(time)
    if (time !== undefined) return { fault: `and ${nameOf(expireDateTag)} exclude each other: send one of them` }
    return readExpireDate(date, calendar)
  },
} as const satisfies { [N in TermName]: (values: Values, options: DecodeOptions) => Read<OrderTerms[N] & {}> }

/** The tag that a fault of this term is about: an order may give its end in two. */
const tagOf = (term: TermName, values: Values): number =>
  term === 'expiresAt' && !values.has(termTags.expiresAt) && values.has(expireDateTag) ? expireDateTag : termTags[term]

const kinds: Partial<Record<TermName, OrdRejReason>> = {
  quantity: 'incorrectQuantity',
  displayQuantity: 'incorrectQuantity',
}

const kindOf = ({ code, term }: TermFault): OrderFault['kind'] => {
  switch (code) {
    case 'REQUIRED':
      return 'missing'
    case 'FORBIDDEN':
      return 'unsupported'
    case 'MALFORMED':
      return kinds[term] ?? 'other'
  }
}

/** The terms that a NewOrderSingle asks for, or everything that is wrong with it. */
export const decodeOrder = ({ body }: Pick<Received, 'body'>, options: DecodeOptions): DecodedOrder => {
  const values = valuesOf(body)
  const faults: OrderFault[] = []
  const add = (kind: OrderFault['kind'], tag: number, detail: string): void => {
    faults.push({ kind, tag, text: `${nameOf(tag)} ${detail}` })
  }
  const draft: Partial<Record<TermName, TermsDraft[TermName]>> = {}
  for (const { name } of terms) {
    const read: Read<TermsDraft[TermName] & {}> = readers[name](values, options)
    if ('value' in read) draft[name] = read.value
    else {
      draft[name] = undefined
      add(read.kind ?? kinds[name] ?? 'other', tagOf(name, values), read.fault)
    }
  }
  const complete = draft as TermsDraft
  for (const fault of presenceFaults(complete)) {
    const orDate =
      fault.term === 'expiresAt' && fault.code === 'REQUIRED' ? ` (or ${nameOf(expireDateTag)} instead)` : ''
    add(kindOf(fault), tagOf(fault.term, values), `${fault.detail}${orDate}`)
  }
  if (complete.clientOrderId === null) add('missing', termTags.clientOrderId, 'is required')
  for (const [tag, value] of values) {
    const detail = tagFault(tag, value)
    if (detail !== null) add('unsupported', tag, detail)
  }
  return faults.length > 0 ? { ok: false, faults } : { ok: true, terms: complete as OrderTerms }
}
