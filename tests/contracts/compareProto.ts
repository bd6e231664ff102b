// Promises: two versions of orders.proto, told apart by what a client feels that was compiled from the older one. Names count as much as
// numbers: code and JSON use them. A field that a request newly has is harmless, since clients that do not know it leave it out.

import { parse, Root, Service, Type, type Field, type Method, type NamespaceBase } from 'protobufjs'
import type { Change } from './compareSchemas.ts'

const breaking = (at: string, what: string): Change => ({ kind: 'breaking', at, what })

type Contract = { messages: Map<string, Type>; services: Map<string, Service> }

const contractOf = (text: string): Contract => {
  const root = new Root()
  parse(text, root, { keepCase: true })
  root.resolveAll()
  const contract: Contract = { messages: new Map(), services: new Map() }
  const walk = (space: NamespaceBase): void => {
    for (const object of space.nestedArray) {
      const name = object.fullName.slice(1)
      if (object instanceof Type) contract.messages.set(name, object)
      if (object instanceof Service) contract.services.set(name, object)
      // Its values would have to be compared: this file has none on purpose, their lists are open.
      if ('values' in object) throw new Error(`${name}: write words as strings`)
      if ('nestedArray' in object) walk(object)
    }
  }
  walk(root)
  return contract
}

const typeName = ({ resolvedType, type }: Field): string => resolvedType?.fullName.slice(1) ?? type
/** The group of which one member is there at most; null: none. `optional` makes a group of its own, which does not count. */
const groupOf = (field: Field): string | null =>
  field.partOf === null || field.partOf.isProto3Optional ? null : field.partOf.name

/** What a client was compiled with, as words. */
const formOf = (field: Field): Readonly<Record<string, string>> => ({
  number: String(field.id),
  type: typeName(field),
  presence: field.repeated ? 'repeated' : field.hasPresence ? 'optional' : 'always',
  group: groupOf(field) ?? 'none',
})

const fieldChanges = (at: string, before: Field, after: Field): Change[] => {
  const [was, is] = [formOf(before), formOf(after)]
  return Object.keys(was)
    .filter((name) => was[name] !== is[name])
    .map((name) => breaking(at, `its ${name} was ${was[name]} and is ${is[name]}`))
}

const messageChanges = (name: string, before: Type, after: Type): Change[] => [
  ...before.fieldsArray.flatMap((field) => {
    const at = `${name}.${field.name}`
    const same = after.fields[field.name]
    return same === undefined ? [breaking(at, 'the field is gone')] : fieldChanges(at, field, same)
  }),
  ...after.fieldsArray
    .filter((field) => before.fields[field.name] === undefined)
    .flatMap((field): Change[] => {
      const at = `${name}.${field.name}`
      const former = before.fieldsById[field.id]
      if (former !== undefined) return [breaking(at, `its number was that of ${former.name}`)]
      const group = groupOf(field)
      const isOfKnownGroup = group !== null && before.oneofs?.[group] !== undefined
      return isOfKnownGroup ? [{ kind: 'decide', at, what: `a client may find none of ${group} that it knows` }] : []
    }),
]

const callOf = ({ requestType, requestStream, responseType, responseStream }: Method): string =>
  `${requestStream === true ? 'stream ' : ''}${requestType} → ${responseStream === true ? 'stream ' : ''}${responseType}`

const serviceChanges = (name: string, before: Service, after: Service): Change[] =>
  before.methodsArray.flatMap((method) => {
    const [at, same] = [`${name}/${method.name}`, after.methods[method.name]]
    if (same === undefined) return [breaking(at, 'the method is gone')]
    return callOf(method) === callOf(same) ? [] : [breaking(at, `it was ${callOf(method)} and is ${callOf(same)}`)]
  })

export const compareProto = (before: string, after: string): Change[] => {
  const [was, is] = [contractOf(before), contractOf(after)]
  return [
    ...[...was.services].flatMap(([name, service]) => {
      const same = is.services.get(name)
      return same === undefined ? [breaking(name, 'the service is gone')] : serviceChanges(name, service, same)
    }),
    ...[...was.messages].flatMap(([name, message]) => {
      const same = is.messages.get(name)
      return same === undefined ? [breaking(name, 'the message is gone')] : messageChanges(name, message, same)
    }),
  ]
}
