// The messages of every service here, from the proto files that are embedded as text: protobufjs reads them at the start of the door, so no
// compiler runs and nothing generated is kept. It comes along with @grpc/grpc-js anyway, and makes the descriptors of reflection too.

import { isUtf8 } from 'node:buffer'
import { parse, Reader, Root, Type, types, type Field } from 'protobufjs'
import googleStatus from './proto/google/rpc/status.proto' with { type: 'text' }
import health from './proto/grpc/health/v1/health.proto' with { type: 'text' }
import reflection from './proto/grpc/reflection/reflection.proto' with { type: 'text' }
import orders from './proto/orders/v1/orders.proto' with { type: 'text' }

/** The files by the name under which others know them. */
export const protoFiles = {
  'orders/v1/orders.proto': orders,
  'grpc/health/v1/health.proto': health,
  'grpc/reflection/v1/reflection.proto': reflection,
  'grpc/reflection/v1alpha/reflection.proto': reflection.replace(
    'package grpc.reflection.v1;',
    'package grpc.reflection.v1alpha;',
  ),
  'google/rpc/status.proto': googleStatus,
} as const satisfies Record<string, string>

const rootOf = (texts: readonly string[]): Root => {
  const root = new Root()
  for (const text of texts) parse(text, root)
  return root.resolveAll() as Root
}
const root = rootOf(Object.values(protoFiles))

/** A root with this file alone. */
export const rootOfFile = (name: keyof typeof protoFiles): Root => rootOf([protoFiles[name]])

/** Plain values, with the names that the JSON of the HTTP API has. */
export type Plain = Readonly<Record<string, unknown>>
/** A member that its type says is a string; empty if it was left out. */
export const textOf = (message: Plain, name: string): string => {
  const value = message[name]
  return typeof value === 'string' ? value : ''
}

export type Received = { ok: true; value: Plain } | { ok: false; detail: string }

/** A tag is a field number and three bits of wire type. */
const numberOf = (tag: number): number => tag >>> 3
const wireTypeOf = (tag: number): number => tag & 7
/** The wire type of texts, bytes, messages, and packed lists. */
const delimited = 2

const basicTypes: Readonly<Record<string, number>> = types.basic

const hasWireType = (field: Field, wireType: number): boolean => {
  if (field.resolvedType instanceof Type) return wireType === delimited
  const own = field.resolvedType === null ? basicTypes[field.type] : 0
  return wireType === own || (field.repeated && wireType === delimited && own !== delimited)
}

/**
 * What the type of a message does not have, or null: a field, of it or of a message inside it, or a text that is no UTF-8. The library drops
 * the one and mends the other, and an order without a term, or with another one, is another order.
 */
const strayIn = (type: Type, bytes: Uint8Array): string | null => {
  const reader = Reader.create(bytes)
  while (reader.pos < reader.len) {
    const tag = reader.uint32()
    const field = type.fieldsById[numberOf(tag)]
    if (field === undefined) return `field ${numberOf(tag)} of ${type.name} is not known here`
    if (!hasWireType(field, wireTypeOf(tag))) return `${field.name} of ${type.name} has the wrong wire type`
    if (wireTypeOf(tag) !== delimited) {
      reader.skipType(wireTypeOf(tag))
      continue
    }
    const value = reader.bytes()
    if (field.type === 'string' && !isUtf8(value)) return `${field.name} of ${type.name} is not UTF-8`
    const stray = field.resolvedType instanceof Type ? strayIn(field.resolvedType, value) : null
    if (stray !== null) return stray
  }
  return null
}

export type Codec = { encode: (value: Plain) => Buffer; decode: (bytes: Uint8Array) => Received }

/** `name`: of the message with its package. A decoder never throws. */
export const codecOf = (name: string): Codec => {
  const type = root.lookupType(name)
  return {
    encode: (value) => Buffer.from(type.encode(type.fromObject(value as Record<string, unknown>)).finish()),
    decode(bytes) {
      try {
        const stray = strayIn(type, bytes)
        if (stray !== null) return { ok: false, detail: stray }
        return { ok: true, value: type.toObject(type.decode(bytes), { longs: String, enums: String }) }
      } catch {
        return { ok: false, detail: `these bytes are no ${type.name}` }
      }
    },
  }
}
