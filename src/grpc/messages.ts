// The messages of every service here, from the proto files that are embedded as text: protobufjs reads them at the start of the door, so no
// compiler runs and nothing generated is kept. It comes along with @grpc/grpc-js anyway, and makes the descriptors of reflection too.

import { parse, Reader, Root, Type } from 'protobufjs'
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
export type Received = { ok: true; value: Plain } | { ok: false; detail: string }

/** A tag is a field number and three bits of wire type. */
const numberOf = (tag: number): number => tag >>> 3

/** The first field of a message, or of one inside it, that its type does not have; null: there is none. A term that is dropped would change an order. */
const unknownField = (type: Type, bytes: Uint8Array): string | null => {
  const reader = Reader.create(bytes)
  while (reader.pos < reader.len) {
    const tag = reader.uint32()
    const field = type.fieldsById[numberOf(tag)]
    if (field === undefined) return `field ${numberOf(tag)} of ${type.name}`
    const inner = field.resolvedType
    if (inner instanceof Type && (tag & 7) === 2) {
      const found = unknownField(inner, reader.bytes())
      if (found !== null) return found
    } else reader.skipType(tag & 7)
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
        const unknown = unknownField(type, bytes)
        if (unknown !== null) return { ok: false, detail: `${unknown} is not known here` }
        return { ok: true, value: type.toObject(type.decode(bytes), { longs: String, enums: String }) }
      } catch {
        return { ok: false, detail: `these bytes are no ${type.name}` }
      }
    },
  }
}
