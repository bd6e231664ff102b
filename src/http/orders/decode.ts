// What a client may send: the body of an order. One schema gives the check, the type, and the words for each fault.

import { Type, type Static, type TSchema } from '@sinclair/typebox'
import { TypeCompiler } from '@sinclair/typebox/compiler'
import { sentAmount, sentAmountOrNull } from '../../wire/shapes.ts'
import type { Amount, AmountFault } from '../../domain/decimal.ts'
import { amountFromJson, NumberSource, parseExactJson, repeatedMember } from '../../wire/json.ts'
import { orderTypes, sides, timesInForce, typeRules, type OrderTerms } from '../../domain/order.ts'
import { isKey, keyPattern, keyRule, readHeaderKey } from './idempotencyKey.ts'
import type { Fault } from '../exchange/problem.ts'

const uuid = '^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$'

/** `rule` completes "<member> …" for whoever has to mend it. */
const oneOf = <const T extends readonly string[]>(values: T) =>
  Type.Union(
    values.map((value) => Type.Literal(value as T[number])),
    { rule: `must be one of ${values.join(', ')}` },
  )
const decimalRule =
  'must be a decimal > 0 with at most 12 integer and 8 fraction digits, as a number or as a string in plain notation'

export const PlaceOrder = Type.Object(
  {
    userId: Type.String({ pattern: uuid, rule: 'must be a UUID' }),
    ticker: Type.String({ pattern: '^[A-Za-z0-9.-]{1,16}$', rule: 'must be 1 to 16 of A-Z a-z 0-9 . -' }),
    side: oneOf(sides),
    type: oneOf(orderTypes),
    timeInForce: oneOf(timesInForce),
    // Amounts are judged by domain/decimal.ts, from the number's own source text.
    quantity: sentAmount({ rule: decimalRule }),
    price: Type.Optional(sentAmountOrNull({ rule: decimalRule })),
    clientOrderId: Type.Optional(Type.Union([Type.String({ pattern: keyPattern }), Type.Null()], { rule: keyRule })),
  },
  { additionalProperties: false, component: 'PlaceOrder' },
)
export type PlaceOrder = Static<typeof PlaceOrder>

/** `formerKey`: the key that 1.0 would have stored, where that is another one (see idempotencyKey.ts). */
export type PlaceRequest = { terms: OrderTerms; formerKey: string | null }

export type UnknownFields = 'refuse' | 'ignore'
export type Decoded<T> = { ok: true; value: T } | { ok: false; faults: Fault[] }

const members = Object.entries(PlaceOrder.properties).map(([name, schema]: [string, TSchema]) => ({
  name,
  required: PlaceOrder.required.includes(name as never),
  rule: String(schema['rule']),
  check: TypeCompiler.Compile(schema),
}))
const memberNames = new Set<string>(members.map(({ name }) => name))

const amountDetails = {
  NOT_A_NUMBER: decimalRule,
  NOT_POSITIVE: 'must be greater than 0',
  TOO_MANY_INTEGER_DIGITS: 'has more than 12 integer digits',
  TOO_MANY_FRACTION_DIGITS: 'has more than 8 fraction digits',
} as const satisfies Record<AmountFault, string>

/** A name is only repeated in an answer when it cannot be mistaken for anything else. */
const pointerOf = (name: string): string => (/^[A-Za-z0-9_.-]{1,64}$/.test(name) ? `/${name}` : '')

type Known = { unknownFields: UnknownFields; callerId: string | null }

const shapeFaults = (body: Record<string, unknown>, { unknownFields, callerId }: Known): Fault[] => {
  const faults = members.flatMap(({ name, required, rule, check }): Fault[] => {
    const value = memberOf(body, name)
    const isKnown = name === 'userId' && callerId !== null
    if (value === undefined) return required && !isKnown ? [{ pointer: `/${name}`, detail: 'is required' }] : []
    return check.Check(value) ? [] : [{ pointer: `/${name}`, detail: rule }]
  })
  if (unknownFields === 'refuse')
    for (const name of Object.keys(body))
      if (!memberNames.has(name)) faults.push({ pointer: pointerOf(name), detail: 'is not a member of an order' })
  return faults
}

const readAmount = (name: string, value: unknown, faults: Fault[]): Amount => {
  const parsed = amountFromJson(value)
  if (parsed.ok) return parsed.amount
  faults.push({ pointer: `/${name}`, detail: amountDetails[parsed.fault] })
  return 0n
}

const readPrice = (body: Record<string, unknown>, faults: Fault[]): Amount | null => {
  const [type, price] = [memberOf(body, 'type'), memberOf(body, 'price')]
  const given = price !== undefined && price !== null
  const rule = orderTypes.find((known) => known === type)
  if (rule !== undefined && typeRules[rule].price === 'required' && !given)
    faults.push({ pointer: '/price', detail: `is required for ${rule}` })
  if (rule !== undefined && typeRules[rule].price === 'forbidden' && given)
    faults.push({ pointer: '/price', detail: `is forbidden for ${rule}` })
  return given ? readAmount('price', price, faults) : null
}

type Key = { key: string | null; former: string | null }

/** Of the body's and the header's key, the one that counts. */
const readKey = (body: Record<string, unknown>, header: string | null, faults: Fault[]): Key => {
  const given = memberOf(body, 'clientOrderId')
  const inBody = typeof given === 'string' ? given : null
  if (header === null) return { key: inBody, former: null }
  // A body has its key as it is, quotes included; a header that says the very same means that one.
  if (header === inBody && isKey(header)) return { key: header, former: null }
  const refuse = (detail: string): Key => {
    faults.push({ pointer: 'header:Idempotency-Key', detail })
    return { key: null, former: null }
  }
  const inHeader = readHeaderKey(header)
  if (!inHeader.ok) return refuse(inHeader.detail)
  if (inBody !== null && inBody !== inHeader.key)
    return refuse('differs from clientOrderId: they are one key, give one of them')
  return inHeader
}

const fault = (pointer: string, detail: string): { ok: false; faults: Fault[] } => ({
  ok: false,
  faults: [{ pointer, detail }],
})

/** A member that the object has itself: what every object inherits is none. */
export const memberOf = (body: Record<string, unknown>, name: string): unknown =>
  Object.hasOwn(body, name) ? body[name] : undefined

/** The members of a JSON object, each given once, with exact numbers. To be read one by one, by name, and never handed on whole. */
export const parseMembers = (text: string): Decoded<Record<string, unknown>> => {
  try {
    const value = parseExactJson(text)
    if (typeof value !== 'object' || value === null || Array.isArray(value) || value instanceof NumberSource)
      return fault('', 'the body must be a JSON object')
    const repeated = repeatedMember(text, value)
    return repeated === null
      ? { ok: true, value: value as Record<string, unknown> }
      : fault(pointerOf(repeated), 'is given more than once')
  } catch {
    return fault('', 'the body is not valid JSON')
  }
}

/**
 * Decodes and validates the body of an order; lists every fault. `key`: the header Idempotency-Key, or null. `callerId`: the user
 * that a body without `userId` stands for; null where it has to say.
 */
export const decodePlaceOrder = (
  text: string,
  key: string | null,
  unknownFields: UnknownFields,
  callerId: string | null = null,
): Decoded<PlaceRequest> => {
  const parsed = parseMembers(text)
  if (!parsed.ok) return parsed
  const body = parsed.value
  const faults = shapeFaults(body, { unknownFields, callerId })
  const asked = memberOf(body, 'quantity')
  const quantity = asked === undefined ? 0n : readAmount('quantity', asked, faults)
  const price = readPrice(body, faults)
  const held = readKey(body, key, faults)
  if (faults.length > 0) return { ok: false, faults }
  // Without faults, what is named here is of the type that the schema gives it; nothing else of the body is looked at.
  const order = body as PlaceOrder
  const userId = (memberOf(body, 'userId') ?? callerId) as string
  const terms: OrderTerms = {
    userId: userId.toLowerCase(),
    clientOrderId: held.key,
    ticker: order.ticker.toUpperCase(),
    side: order.side,
    type: order.type,
    timeInForce: order.timeInForce,
    quantity,
    price,
  }
  return { ok: true, value: { terms, formerKey: held.former } }
}
