// Proves: the document has none of the forms of which generators of clients make code that does not place an order, or does not compile. Each
// was seen in the code that they made (openapi-generator 7.26, openapi-python-client, openapi-typescript).

import { describe, expect, test } from 'bun:test'
import { amountDigits } from '../../src/domain/decimal.ts'
import { createOpenApi } from '../../src/http/contract/openapi.ts'

type Json = { [name: string]: unknown }
type Parameter = { name: string; schema: Json }
type Body = { content: Record<string, { schema: Json }> }
type Operation = { parameters?: Parameter[]; requestBody?: Body }
type Document = { paths: Record<string, Record<string, Operation>>; components: { schemas: Record<string, Json> } }

const documentOf = (unknownFields: 'refuse' | 'ignore', javaCompatibility: boolean): Document =>
  JSON.parse(
    JSON.stringify(
      createOpenApi({
        version: 'test',
        unknownFields,
        javaCompatibility,
        bodyMaxBytes: 65_536,
        batchBodyMaxBytes: 1_048_576,
        amountDigits,
        access: { tokens: true, keys: true, limited: true, management: 'here' },
      }),
    ),
  ) as Document

/** Everything in a value that is an object, with the way to it. */
function* objectsIn(value: unknown, at = ''): Generator<{ at: string; object: Json }> {
  if (typeof value !== 'object' || value === null) return
  if (!Array.isArray(value)) yield { at, object: value as Json }
  for (const [name, inner] of Object.entries(value)) yield* objectsIn(inner, `${at}/${name}`)
}

/** Names that a class in some language's scope has already. A generated `Exception` stands in the way of each `catch (Exception e)`. */
const takenNames = ['Date', 'Error', 'Exception', 'File', 'List', 'Map', 'Object', 'Record', 'Set', 'String', 'Thread']

describe.each([
  ['refuse', false],
  ['ignore', false],
  ['ignore', true],
] as const)('the document (unknown fields: %s, Java: %p)', (unknownFields, isJava) => {
  const document = documentOf(unknownFields, isJava)
  const operations = Object.values(document.paths).flatMap((methods) => Object.values(methods))

  test('has no alternatives beside members: they would be taken for the whole', () => {
    const mixed = [...objectsIn(document)]
      .filter(({ object }) => typeof object['properties'] === 'object' && ('anyOf' in object || 'oneOf' in object))
      .map(({ at }) => at)
    expect(mixed).toEqual([])
  })

  test('has parameters of one type each: of another a class is made, and its name is sent', () => {
    const parameters = operations.flatMap(({ parameters: all = [] }) => all)
    expect(parameters.length).toBeGreaterThan(50)
    expect(parameters.filter(({ schema }) => typeof schema['type'] !== 'string').map(({ name }) => name)).toEqual([])
  })

  test('has a name for each body: one that stands in two media types is made twice', () => {
    const bodies = operations.flatMap(({ requestBody }) => Object.values(requestBody?.content ?? {}))
    expect(bodies.length).toBeGreaterThan(10)
    expect(bodies.filter(({ schema }) => typeof schema['$ref'] !== 'string')).toEqual([])
  })

  test('has no schema with the name of a class of a language', () => {
    expect(Object.keys(document.components.schemas).filter((name) => takenNames.includes(name))).toEqual([])
  })

  test('says of offsets that they may be of 64 bits', () => {
    const offsets = [...objectsIn(document)].flatMap(({ object }) => {
      const { offset } = (object['properties'] ?? {}) as { offset?: Json }
      return offset?.['type'] === 'integer' ? [offset['format']] : []
    })
    expect(new Set(offsets)).toEqual(new Set(['int64']))
  })

  test('takes orders in a batch that have no unknown member', () => {
    const { schemas } = document.components
    const { orders } = schemas['PlaceBatch']!['properties'] as { orders: { items: { $ref: string } } }
    const name = orders.items.$ref.split('/').at(-1)!
    expect([name, schemas[name]!['additionalProperties']]).toEqual([
      unknownFields === 'ignore' ? 'ClosedPlaceOrder' : 'PlaceOrder',
      false,
    ])
  })
})
