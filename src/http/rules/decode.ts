// The bodies that change a rule: their schemas and their readers. They refuse whatever they do not know.

import { Type, type TOptional } from '@sinclair/typebox'
import type { TradingChange } from '../../app/ruleUseCases.ts'
import { amountDetail, amountDigits, type Amount } from '../../domain/decimal.ts'
import { limitNames, tradingStates, type LimitName, type Limits } from '../../domain/rules.ts'
import { amountFromJson, NumberSource } from '../../wire/json.ts'
import { oneOf, sentAmountOrNull } from '../../wire/shapes.ts'
import { memberOf, parseNestedMembers, pointerOf, type Decoded } from '../exchange/decode.ts'
import { freeText } from '../exchange/freeText.ts'
import type { Fault } from '../exchange/problem.ts'

type Members = Record<string, unknown>

const statementRules = { by: freeText(200), note: freeText(2000) } as const
const statementShapes = { by: statementRules.by.schema, note: statementRules.note.schema }

type SentLimit = TOptional<ReturnType<typeof sentAmountOrNull>>
const limitShapes = Object.fromEntries(
  limitNames.map((name) => [name, Type.Optional(sentAmountOrNull(amountDigits))]),
) as Record<LimitName, SentLimit>

export const PutInstrument = Type.Object(
  { ...limitShapes, ...statementShapes },
  { additionalProperties: false, component: 'PutInstrument' },
)

export const PutTrading = Type.Object(
  {
    state: Type.Optional(oneOf(tradingStates)),
    cancelOpen: Type.Optional(
      Type.Boolean({ description: 'With HALTED: cancel every order that is open when the halt begins.' }),
    ),
    limits: Type.Optional(
      Type.Object(limitShapes, {
        additionalProperties: false,
        description: 'Replaces the limits of tickers that have none of their own. Not with `ticker`.',
      }),
    ),
    ...statementShapes,
  },
  {
    additionalProperties: false,
    component: 'PutTrading',
    description: 'At least one of `state` and `limits`; what is left out stays.',
  },
)

const isObject = (value: unknown): value is Members =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof NumberSource)

const refuseUnknown = (body: Members, known: readonly string[], faults: Fault[], under = ''): void => {
  for (const name of Object.keys(body))
    if (!known.includes(name)) {
      const pointer = pointerOf(name)
      const detail = `is not known here; known are ${known.join(', ')}`
      faults.push({ pointer: pointer === '' ? under : under + pointer, detail })
    }
}

const readStatement = (body: Members, faults: Fault[]): { by: string; note: string } => {
  const read = (name: 'by' | 'note'): string => {
    const value = memberOf(body, name)
    const { isValid, rule } = statementRules[name]
    if (isValid(value)) return value
    faults.push({ pointer: `/${name}`, detail: rule })
    return ''
  }
  return { by: read('by'), note: read('note') }
}

/** A limit that is null or left out is none. */
const readLimits = (body: Members, faults: Fault[], under = ''): Limits => {
  const read = (name: LimitName): Amount | null => {
    const value = memberOf(body, name)
    if (value === undefined || value === null) return null
    const parsed = amountFromJson(value)
    if (parsed.ok) return parsed.amount
    faults.push({ pointer: `${under}/${name}`, detail: amountDetail(parsed.fault, amountDigits) })
    return null
  }
  const limits = Object.fromEntries(limitNames.map((name) => [name, read(name)])) as Record<LimitName, Amount | null>
  const { quantityMin, quantityMax } = limits
  if (quantityMin !== null && quantityMax !== null && quantityMin > quantityMax)
    faults.push({ pointer: `${under}/quantityMin`, detail: 'must not be greater than quantityMax' })
  return limits
}

/** Who and why. */
type Said = { statement: { by: string; note: string } }

const decoded = <T>(faults: Fault[], value: T): Decoded<T> =>
  faults.length > 0 ? { ok: false, faults } : { ok: true, value }

export const decodeInstrument = (text: string): Decoded<{ limits: Limits } & Said> => {
  const body = parseNestedMembers(text)
  if (!body.ok) return body
  const faults: Fault[] = []
  refuseUnknown(body.value, [...limitNames, 'by', 'note'], faults)
  return decoded(faults, { limits: readLimits(body.value, faults), statement: readStatement(body.value, faults) })
}

const readState = (body: Members, faults: Fault[]): TradingChange['state'] => {
  const value = memberOf(body, 'state')
  const state = tradingStates.find((one) => one === value)
  if (value !== undefined && state === undefined)
    faults.push({ pointer: '/state', detail: `must be one of ${tradingStates.join(', ')}` })
  return state
}

const readDefaults = (body: Members, ticker: string | undefined, faults: Fault[]): Limits | undefined => {
  const value = memberOf(body, 'limits')
  if (value === undefined) return undefined
  if (ticker !== undefined) faults.push({ pointer: '/limits', detail: 'of a ticker are set by PUT /instruments' })
  if (!isObject(value)) {
    faults.push({ pointer: '/limits', detail: 'must be an object' })
    return undefined
  }
  refuseUnknown(value, limitNames, faults, '/limits')
  return readLimits(value, faults, '/limits')
}

const readCancelOpen = (body: Members, state: TradingChange['state'], faults: Fault[]): boolean => {
  const value = memberOf(body, 'cancelOpen')
  if (value === undefined || value === false) return false
  if (value !== true) faults.push({ pointer: '/cancelOpen', detail: 'must be true or false' })
  else if (state !== 'HALTED') faults.push({ pointer: '/cancelOpen', detail: 'needs the state HALTED' })
  return true
}

/** `ticker`: of the query; undefined: all of them. */
export const decodeTrading = (text: string, ticker: string | undefined): Decoded<{ change: TradingChange } & Said> => {
  const body = parseNestedMembers(text)
  if (!body.ok) return body
  const faults: Fault[] = []
  refuseUnknown(body.value, ['state', 'cancelOpen', 'limits', 'by', 'note'], faults)
  const state = readState(body.value, faults)
  const limits = readDefaults(body.value, ticker, faults)
  const cancelOpen = readCancelOpen(body.value, state, faults)
  if (memberOf(body.value, 'state') === undefined && memberOf(body.value, 'limits') === undefined)
    faults.push({ pointer: '/state', detail: 'is required, or limits' })
  const statement = readStatement(body.value, faults)
  return decoded(faults, { change: { ticker, state, limits, cancelOpen }, statement })
}
