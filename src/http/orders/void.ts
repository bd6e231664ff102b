// The body of a void, which names the key of an order: its schema and its reader; and the answer to it.

import { Type } from '@sinclair/typebox'
import type { VoidResult } from '../../app/voids.ts'
import { canonicalUuid } from '../../domain/ids.ts'
import { canonicalKey, keyForm, uuidForm } from '../../domain/patterns.ts'
import type { NamedKey } from '../../store/keys.ts'
import { Order } from '../../wire/order.ts'
import { memberOf, parseMembers, pointerOf, type Decoded } from '../exchange/decode.ts'
import type { Fault } from '../exchange/problem.ts'
import type { WriteOrder } from './javaAnswers.ts'

export const VoidKey = Type.Object(
  {
    userId: Type.Optional(
      Type.Union([Type.String({ pattern: uuidForm.sent }), Type.Null()], {
        description: `${uuidForm.rule}. May be left out by a caller that is a user`,
      }),
    ),
    clientOrderId: Type.String({ pattern: keyForm.sent, description: keyForm.rule }),
  },
  { additionalProperties: false, component: 'VoidKey' },
)

export const Voided = Type.Union(
  [
    Type.Object({
      voided: Type.Literal(true, { description: 'No order can have this key any more.' }),
    }),
    Type.Object({
      voided: Type.Literal(false, { description: 'The key was used before.' }),
      order: Order,
    }),
  ],
  { description: 'Whether the key is void, or the order that has it.' },
)

const members = {
  userId: { canonical: canonicalUuid, rule: uuidForm.rule },
  clientOrderId: { canonical: canonicalKey, rule: keyForm.rule },
} as const

/** Decodes a void; lists every fault. `callerId`: the user of a body without one; null: the body must name the user. */
export const decodeVoid = (text: string, callerId: string | null): Decoded<NamedKey> => {
  const parsed = parseMembers(text)
  if (!parsed.ok) return parsed
  const faults: Fault[] = []
  const read = (name: keyof typeof members, absent: string | null): string => {
    const { canonical, rule } = members[name]
    const sent = memberOf(parsed.value, name) ?? absent
    const text = typeof sent === 'string' ? canonical(sent) : null
    if (text === null) faults.push({ pointer: `/${name}`, detail: rule })
    return text ?? ''
  }
  const value = { userId: read('userId', callerId), clientOrderId: read('clientOrderId', null) }
  for (const name of Object.keys(parsed.value))
    if (!Object.hasOwn(members, name)) faults.push({ pointer: pointerOf(name), detail: 'is not a member of a void' })
  return faults.length > 0 ? { ok: false, faults } : { ok: true, value }
}

export const voidedJson = (result: VoidResult, write: WriteOrder): string =>
  result.voided ? '{"voided":true}' : `{"voided":false,"order":${write(result.order)}}`
