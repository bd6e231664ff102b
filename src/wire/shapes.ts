// The JSON shapes that HTTP and Kafka have in common, as the published contracts give them. The decoders beside each door judge what comes
// in; tests prove that these schemas and those decoders agree.

import { Kind, Type, type SchemaOptions, type TSchema } from '@sinclair/typebox'
import { amountDigits, type AmountDigits } from '../domain/decimal.ts'
import { keyForm, tickerForm, uuidForm } from '../domain/patterns.ts'
import { sides } from '../domain/terms.ts'

export const orNull = <T extends TSchema>(schema: T) => Type.Union([schema, Type.Null()])

/** Text that is one of a list. */
export const oneOf = <const T extends readonly string[]>(values: T, options: SchemaOptions = {}) =>
  Type.Unsafe<T[number]>({ type: 'string', enum: [...values], ...options })

/** Text from a list that may grow: readers accept what they do not know. */
export const openList = (values: readonly string[], what: string) =>
  Type.String({ description: `${what} An open list; today: ${values.join(', ')}.` })

export const Side = oneOf(sides)

/** Ids leave in lower case. */
export const Uuid = Type.String({
  format: 'uuid',
  pattern: uuidForm.stored,
})

/** A ticker as it is stored and sent. */
export const Ticker = Type.String({ pattern: tickerForm.stored })

/** 1 to 64 characters. The decoder of trades takes only those that print, which no portable pattern can express. */
export const TradeId = Type.String({ minLength: 1, maxLength: 64 })
/** The same for the id of a report. */
export const ReportId = Type.String({ minLength: 1, maxLength: 64 })

export const ClientKey = Type.String({ pattern: keyForm.stored })

export const Instant = Type.String({
  format: 'date-time',
  pattern: '^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}(\\d{3})?Z$',
  description: 'ISO-8601, UTC',
})

/** A double rounds the largest amount up to this, so the bound itself has to pass. */
const amountBound = ({ integer }: AmountDigits): number => 10 ** integer

/**
 * An amount as it leaves: on the wire a JSON number written from the exact decimal. Its type here is text, because a client that wants
 * every digit keeps it as text.
 */
export const ExactAmount = Type.Unsafe<string>({
  type: 'number',
  format: 'decimal',
  minimum: 0,
  maximum: amountBound(amountDigits),
  description: `An exact decimal of at most ${amountDigits.fraction} fraction digits, in plain notation: read it with a decimal parser.`,
})

export const AmountOrNull = orNull(ExactAmount)

const fractionPattern = ({ fraction }: AmountDigits): string => (fraction === 0 ? '0+' : `\\d{1,${fraction}}0*`)

const sentForms = (digits: AmountDigits) => [
  { type: 'number', exclusiveMinimum: 0, maximum: amountBound(digits) },
  {
    type: 'string',
    pattern: `^(?=.*[1-9])(0|[1-9]\\d{0,${digits.integer - 1}})(\\.${fractionPattern(digits)})?$`,
  },
]

/**
 * An amount as it comes in. For TypeBox its type is unknown: domain/decimal.ts judges it from the source text of the number, which no JSON
 * Schema sees.
 */
export const sentAmount = (digits: AmountDigits, options: SchemaOptions = {}) =>
  Type.Unsafe<number | string>({ [Kind]: 'Unknown', oneOf: sentForms(digits), ...options })

export const sentAmountOrNull = (digits: AmountDigits, options: SchemaOptions = {}) =>
  Type.Unsafe<number | string | null>({
    [Kind]: 'Unknown',
    oneOf: [...sentForms(digits), { type: 'null' }],
    ...options,
  })
