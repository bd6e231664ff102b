// The body of an order as a client may send it. Its schema and its readers are made from the table of terms (domain/terms.ts).

import { Type, type TSchema } from '@sinclair/typebox'
import type { PlaceCommand } from '../../app/orders.ts'
import { amountDetail, amountDigits, type Amount, type AmountDigits } from '../../domain/decimal.ts'
import { instantForm, keyForm, tickerForm, uuidForm } from '../../domain/patterns.ts'
import { canonicalText, isTextTerm, presenceFaults, ruleOf, type TermsDraft } from '../../domain/termFaults.ts'
import {
  terms,
  type AmountTerm,
  type OptionalTerm,
  type OrderTerms,
  type RequiredTerm,
  type Term,
  type TermKind,
  type TermName,
  type TextTerm,
} from '../../domain/terms.ts'
import { amountFromJson } from '../../wire/json.ts'
import { oneOf, sentAmount, sentAmountOrNull } from '../../wire/shapes.ts'
import {
  memberOf,
  parseMembers,
  parseMembersOfList,
  pointerOf,
  type Decoded,
  type UnknownFields,
} from '../exchange/decode.ts'
import type { Fault } from '../exchange/problem.ts'
import { isKey, readHeaderKey } from './idempotencyKey.ts'

/** The schema of a member as it may be sent, by the kind of its term. */
const sentShapes = {
  uuid: () => Type.String({ pattern: uuidForm.sent }),
  key: () => Type.String({ pattern: keyForm.sent }),
  ticker: () => Type.String({ pattern: tickerForm.sent }),
  choice: ({ values = [] }) => oneOf(values),
  flag: () => Type.Boolean(),
  instant: () => Type.String({ format: 'date-time', pattern: instantForm.sent }),
  amount: ({ presence }, digits) => (presence === 'required' ? sentAmount(digits) : sentAmountOrNull(digits)),
} as const satisfies Record<TermKind, (term: Term, digits: AmountDigits) => TSchema>

const sentShape = (term: Term, digits: AmountDigits): TSchema => {
  const shape = sentShapes[term.kind](term, digits)
  const description = ruleOf(term, digits)
  if (term.presence === 'required') return { ...shape, description }
  return Type.Optional({ ...(term.kind === 'amount' ? shape : Type.Union([shape, Type.Null()])), description })
}

type Sent<N extends TermName> = N extends AmountTerm ? number | string : N extends 'postOnly' ? boolean : OrderTerms[N]
/** The body of an order as a client writes it. */
export type PlaceOrder = { [N in RequiredTerm]: Sent<N> } & { [N in OptionalTerm]?: Sent<N> | null }
/** The schema of an order's body if amounts have so many digits. The readers below check a body; a test ties them to the schema. */
export const placeOrderShape = (digits: AmountDigits) =>
  Type.Unsafe<PlaceOrder>(
    Type.Object(Object.fromEntries(terms.map((term) => [term.name, sentShape(term, digits)])), {
      additionalProperties: false,
      component: 'PlaceOrder',
    }),
  )
export const PlaceOrder = placeOrderShape(amountDigits)

type ReadResult = { value: string | Amount | true | null } | { detail: string }

const readAmount = (value: unknown, digits: AmountDigits): ReadResult => {
  const parsed = amountFromJson(value, digits)
  return parsed.ok ? { value: parsed.amount } : { detail: amountDetail(parsed.fault, digits) }
}
const readText = (value: unknown, term: TextTerm): ReadResult => {
  const text = typeof value === 'string' ? canonicalText(term, value) : null
  return text === null ? { detail: ruleOf(term) } : { value: text }
}

/** `false` means what leaving it out means. */
const readFlag = (value: unknown, term: Term): ReadResult =>
  typeof value === 'boolean' ? { value: value || null } : { detail: ruleOf(term) }

const read = (value: unknown, term: Term, digits: AmountDigits): ReadResult => {
  if (isTextTerm(term)) return readText(value, term)
  return term.kind === 'flag' ? readFlag(value, term) : readAmount(value, digits)
}

const memberNames = new Set<string>(terms.map(({ name }) => name))

type ReadOptions = { digits: AmountDigits; faults: Fault[] }

/** Reads the terms one by one, by name; no other member of the body is read. */
const readTerms = (body: Record<string, unknown>, { digits, faults }: ReadOptions): TermsDraft => {
  const draft: Partial<Record<TermName, string | Amount | true | null>> = {}
  for (const term of terms) {
    const { name, presence } = term
    const value = memberOf(body, name)
    if (value === undefined || (value === null && presence !== 'required')) {
      draft[name] = null
      continue
    }
    const result = read(value, term, digits)
    if ('value' in result) draft[name] = result.value
    else faults.push({ pointer: `/${name}`, detail: result.detail })
  }
  return draft as TermsDraft
}

/** `former`: the key that 1.0 would have stored, if that is a different one (idempotencyKey.ts); otherwise null. */
type Key = { key: string | null; former: string | null }

/** The key of the order, from the body or the header. */
const readKey = (body: Record<string, unknown>, header: string | null, faults: Fault[]): Key => {
  const member = memberOf(body, 'clientOrderId')
  const inBody = typeof member === 'string' ? member : null
  if (header === null) return { key: inBody, former: null }
  // In a body quotes belong to the key, so a header with the same text means that key.
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

export type PlaceOptions = {
  /** The header Idempotency-Key, or null. */
  key: string | null
  unknownFields: UnknownFields
  /** The user of a body without `userId`, in canonical form; null if the body must name the user. */
  callerId: string | null
  /** How many digits an amount may have. */
  amountDigits: AmountDigits
}

const decodeOrder = (
  body: Record<string, unknown>,
  { key, unknownFields, callerId, amountDigits: digits }: PlaceOptions,
): Decoded<PlaceCommand> => {
  const faults: Fault[] = []
  const draft = readTerms(body, { digits, faults })
  if (draft.userId === null) draft.userId = callerId
  for (const { term, detail } of presenceFaults(draft)) faults.push({ pointer: `/${term}`, detail })
  if (unknownFields === 'refuse')
    for (const name of Object.keys(body))
      if (!memberNames.has(name)) faults.push({ pointer: pointerOf(name), detail: 'is not a member of an order' })
  const { key: clientOrderId, former: formerKey } = readKey(body, key, faults)
  if (faults.length > 0) return { ok: false, faults }
  draft.clientOrderId = clientOrderId
  return { ok: true, value: { terms: draft as OrderTerms, formerKey } }
}

/** Decodes and validates the body of an order; lists every fault. The former key: see idempotencyKey.ts. */
export const decodePlaceOrder = (text: string, options: PlaceOptions): Decoded<PlaceCommand> => {
  const body = parseMembers(text)
  return body.ok ? decodeOrder(body.value, options) : body
}

/** Orders in a batch. */
const batchMax = 256

/** The body of a batch. It is younger than the Java service: members that it does not know are always refused, also in its orders. */
export const PlaceBatch = Type.Object(
  { orders: Type.Array(PlaceOrder, { minItems: 1, maxItems: batchMax }) },
  { additionalProperties: false, component: 'PlaceBatch' },
)

/** Decodes each order of a batch by itself, as if it was the body; or says why the body is no list of orders. */
export const decodePlaceBatch = (
  text: string,
  options: Pick<PlaceOptions, 'callerId' | 'amountDigits'>,
): Decoded<Decoded<PlaceCommand>[]> => {
  const list = parseMembersOfList(text, { member: 'orders', itemsMax: batchMax })
  if (!list.ok) return list
  const orderOptions = { ...options, key: null, unknownFields: 'refuse' } as const
  return { ok: true, value: list.value.map((body) => (body.ok ? decodeOrder(body.value, orderOptions) : body)) }
}
