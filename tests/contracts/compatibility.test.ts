// Proves: no change breaks a client of the last released documents unless the major version says so, and none that may surprise a
// client passes without a reason. The checker itself is tested as well: it finds each kind of change, made to the real documents.

import { describe, expect, test } from 'bun:test'
import { compareAsyncApi, compareOpenApi } from './compareDocuments.ts'
import { compareSchemas, type Change, type Direction } from './compareSchemas.ts'
import { decided } from './decided.ts'
import { asyncApiDocument, openApiDocument, type Json } from './documents.ts'
import {
  changesSinceRelease,
  mayBreak,
  nextVersion,
  readReleased,
  releasedFiles,
  textOf,
  versionOf,
} from './released.ts'

describe('since the last release', () => {
  test('nothing breaks a client, unless the major version was raised', async () => {
    const broken = (await changesSinceRelease()).filter(({ kind }) => kind === 'breaking')
    const released = versionOf(await readReleased(releasedFiles.openapi))
    // Red? Take the change back, or raise the major version in package.json and say so in the README.
    if (!mayBreak(released, await nextVersion())) expect(broken.map(textOf)).toEqual([])
  })

  test('whatever may surprise a client was decided, with a reason', async () => {
    const open = (await changesSinceRelease()).filter(({ kind }) => kind === 'decide').map(textOf)
    // Red? Take the change back, or write into decided.ts why it is meant.
    expect(open.filter((change) => !decided.some((decision) => decision.change.test(change)))).toEqual([])
    expect(decided.filter((decision) => !open.some((change) => decision.change.test(change)))).toEqual([])
    for (const { why } of decided) expect(why.length).toBeGreaterThan(20)
  })

  test('both documents are of one release, and a released document is none of ours to edit', async () => {
    const versions = await Promise.all(
      Object.values(releasedFiles).map(async (file) => versionOf(await readReleased(file))),
    )
    expect(new Set(versions).size).toBe(1)
    expect(versions[0]).toMatch(/^\d+\.\d+\.\d+$/)
  })

  test('a major version is what admits a break', () => {
    expect(mayBreak('1.4.0', '1.5.0')).toBeFalse()
    expect(mayBreak('1.4.0', '2.0.0')).toBeTrue()
    expect(mayBreak('9.0.0', '10.0.0')).toBeTrue()
  })
})

type Any = { [key: string]: Any } & Any[]
/** The changes that the checker sees after `edit` was made to a copy of the document. */
const afterEdit = (compare: typeof compareOpenApi, document: Json, edit: (copy: Any) => void): string[] => {
  const copy = structuredClone(document)
  edit(copy as Any)
  return compare(document, copy).map(textOf)
}
const http = (edit: (copy: Any) => void): string[] => afterEdit(compareOpenApi, openApiDocument, edit)
const kafka = (edit: (copy: Any) => void): string[] => afterEdit(compareAsyncApi, asyncApiDocument, edit)
const set = (target: Any, key: string, value: unknown): void => void ((target as Json)[key] = value)
const drop = (target: Any, key: string): void => void delete (target as Json)[key]
const without = (list: Any, value: string): void =>
  void (list as unknown as string[]).splice((list as unknown as string[]).indexOf(value), 1)
const post = (copy: Any): Any => copy['paths']!['/orders']!['post']!
const schema = (copy: Any, name: string): Any => copy['components']!['schemas']![name]!
const member = (copy: Any, name: string, key: string): Any => schema(copy, name)['properties']![key]!

test('a document is compatible with itself, and with one that has more', () => {
  expect(http(() => undefined)).toEqual([])
  expect(kafka(() => undefined)).toEqual([])
  expect(
    http((copy) => {
      set(copy['paths']!, '/new', post(copy))
      set(copy['paths']!['/orders']!, 'put', post(copy))
      set(schema(copy, 'Order')['properties']!, 'venue', { type: 'string' })
      set(schema(copy, 'PlaceOrder')['properties']!, 'venue', { type: 'string' })
      set(post(copy)['responses']!['202']!['headers']!, 'X-New', { schema: { type: 'string' } })
      set(post(copy), 'description', 'other words')
      member(copy, 'PlaceOrder', 'timeInForce')['enum']!.push('GTD' as never)
      set(member(copy, 'Resolve', 'note'), 'maxLength', 4000)
      without(schema(copy, 'Status')['enum']!, 'EXPIRED')
    }),
  ).toEqual([])
})

describe('a client of the HTTP side is broken by', () => {
  test.each<[string, (copy: Any) => void, RegExp]>([
    ['a path that is gone', (copy) => drop(copy['paths']!, '/orders/{id}'), /\/orders\/\{id\}: the path is gone/],
    [
      'an operation that is gone',
      (copy) => drop(copy['paths']!['/orders']!, 'get'),
      /GET \/orders: the operation is gone/,
    ],
    ['another name of an operation', (copy) => set(post(copy), 'operationId', 'create'), /placeOrder is called create/],
    ['a status that is gone', (copy) => drop(post(copy)['responses']!, '202'), /the status 202 is gone/],
    [
      'a member that is gone',
      (copy) => drop(schema(copy, 'Order')['properties']!, 'price'),
      /\/price: the member is gone/,
    ],
    ['a member that may be missing', (copy) => without(schema(copy, 'Order')['required']!, 'price'), /may be missing/],
    [
      'a member of another type',
      (copy) => set(member(copy, 'Order', 'version'), 'type', 'string'),
      /type "integer" became/,
    ],
    [
      'a wider number',
      (copy) => set(member(copy, 'Order', 'version'), 'type', 'number'),
      /type "integer" became "number"/,
    ],
    [
      'a member that may be null',
      (copy) => set(schema(copy, 'Order')['properties']!, 'ticker', { type: ['string', 'null'] }),
      /became "null"/,
    ],
    [
      'a header that is gone',
      (copy) => drop(post(copy)['responses']!['202']!['headers']!, 'Location'),
      /header Location is gone/,
    ],
    [
      'a header that may be missing',
      (copy) => set(post(copy)['responses']!['202']!['headers']!['Location']!, 'required', false),
      /Location may be missing/,
    ],
    [
      'another media type',
      (copy) => set(post(copy)['responses']!['202']!, 'content', {}),
      /media type application\/json is gone/,
    ],
    [
      'a new required member of a body',
      (copy) => schema(copy, 'PlaceOrder')['required']!.push('venue' as never),
      /\/venue: the member is required/,
    ],
    [
      'an optional member that is required',
      (copy) => schema(copy, 'PlaceOrder')['required']!.push('clientOrderId' as never),
      /clientOrderId: the member is required/,
    ],
    [
      'a value that is not taken',
      (copy) => without(member(copy, 'PlaceOrder', 'timeInForce')['enum']!, 'DAY'),
      /"DAY" is not taken/,
    ],
    [
      'a member that is refused',
      (copy) => drop(schema(copy, 'PlaceOrder')['properties']!, 'clientOrderId'),
      /clientOrderId: the member is gone/,
    ],
    [
      'a type that is not taken',
      (copy) => set(schema(copy, 'PlaceOrder')['properties']!, 'quantity', { type: 'string' }),
      /type "number" became "string"/,
    ],
    [
      'a shorter text',
      (copy) => set(member(copy, 'Resolve', 'note'), 'maxLength', 100),
      /maxLength was 2000 and is 100/,
    ],
    ['a narrower pattern', (copy) => set(member(copy, 'PlaceOrder', 'ticker'), 'pattern', '^[A-Z]$'), /pattern was/],
    ['a new condition', (copy) => set(schema(copy, 'PlaceOrder'), 'anyOf', []), /conditions between members/],
    ['an unknown keyword', (copy) => set(schema(copy, 'PlaceOrder'), 'minProperties', 9), /minProperties changed/],
    [
      'a parameter that is gone',
      (copy) => copy['paths']!['/orders']!['get']!['parameters']!.shift(),
      /parameter query userId is gone/,
    ],
    [
      'a parameter that is required',
      (copy) => set(copy['paths']!['/orders']!['get']!['parameters']![0]!, 'required', true),
      /query userId is required/,
    ],
    [
      'a new required parameter',
      (copy) => post(copy)['parameters']!.push({ name: 'x', in: 'query', required: true, schema: {} } as never),
      /query x is required/,
    ],
    [
      'a smaller page',
      (copy) => set(copy['paths']!['/orders/{id}/fills']!['get']!['parameters']![1]!['schema']!, 'maximum', 100),
      /maximum was 500 and is 100/,
    ],
    [
      'a body where there was none',
      (copy) => set(copy['paths']!['/orders/{id}/cancel']!['post']!, 'requestBody', { required: true, content: {} }),
      /a body is required/,
    ],
    ['no body where there was one', (copy) => drop(post(copy), 'requestBody'), /no body is read/],
    [
      'a key that has to be shown',
      (copy) => set(post(copy), 'security', [{ bearer: [] }]),
      /what a caller has to show/,
    ],
    ['another address', (copy) => set(copy, 'servers', [{ url: '/v2' }]), /addresses changed/],
  ])('%s', (_, edit, change) => {
    const changes = http(edit)
    expect(changes.filter((text) => text.startsWith('breaking')).join('\n')).toMatch(change)
  })
})

describe('a client of the HTTP side may be surprised by', () => {
  test.each<[string, (copy: Any) => void, RegExp]>([
    [
      'a new status of an order',
      (copy) => schema(copy, 'Status')['enum']!.push('SUSPENDED' as never),
      /new value "SUSPENDED"/,
    ],
    ['any value at all', (copy) => drop(member(copy, 'Order', 'side'), 'enum'), /any value may come/],
    ['a new status of a refusal', (copy) => set(post(copy)['responses']!, '429', {}), /new status 429/],
    ['a longer text', (copy) => set(member(copy, 'Fill', 'tradeId'), 'maxLength', 128), /maxLength was 64 and is 128/],
    ['a text of another form', (copy) => set(member(copy, 'Order', 'id'), 'format', 'ulid'), /format was "uuid"/],
    [
      'another default',
      (copy) => set(copy['paths']!['/orders/{id}/fills']!['get']!['parameters']![1]!['schema']!, 'default', 10),
      /default was 50 and is 10/,
    ],
  ])('%s', (_, edit, change) => {
    const changes = http(edit)
    expect(changes.length).toBeGreaterThan(0)
    expect(changes.filter((text) => text.startsWith('breaking'))).toEqual([])
    expect(changes.join('\n')).toMatch(change)
  })
})

describe('a neighbour on Kafka is broken by', () => {
  const channel = (copy: Any, name: string): Any => copy['channels']![name]!
  test.each<[string, (copy: Any) => void, RegExp]>([
    [
      'a channel that is gone',
      (copy) => {
        drop(copy['channels']!, 'orderPlaced')
        drop(copy['operations']!, 'publishOrderPlaced')
      },
      /orderPlaced: the channel is gone/,
    ],
    [
      'another topic',
      (copy) => set(channel(copy, 'orderPlaced'), 'address', 'order.placed.v2'),
      /order\.placed\.v1 is called/,
    ],
    [
      'a message that is gone',
      (copy) => {
        drop(channel(copy, 'tradeExecuted')['messages']!, 'tradeLegExecuted')
        for (const name of ['applyTrade', 'redriveTrade']) copy['operations']![name]!['messages']!.pop()
      },
      /tradeLegExecuted: the message is gone/,
    ],
    [
      'an operation that is gone',
      (copy) => drop(copy['operations']!, 'publishOrderPlaced'),
      /publishOrderPlaced: the operation is gone/,
    ],
    ['another direction', (copy) => set(copy['operations']!['applyTrade']!, 'action', 'send'), /does something else/],
    [
      'a member of an event that is gone',
      (copy) => drop(schema(copy, 'OrderPlaced')['properties']!, 'price'),
      /\/price: the member is gone/,
    ],
    [
      'a header that is gone',
      (copy) => drop(schema(copy, 'OrderPlacedHeaders')['properties']!, 'eventId'),
      /eventId: the member is gone/,
    ],
    [
      'another content type',
      (copy) => set(copy['components']!['messages']!['orderPlaced']!, 'contentType', 'application/avro'),
      /content type became/,
    ],
    [
      'another key',
      (copy) => set(copy['components']!['messages']!['orderPlaced']!['bindings']!['kafka']!['key']!, 'type', 'integer'),
      /key: type "string" became/,
    ],
    [
      'a new required member of a trade',
      (copy) => schema(copy, 'TradeExecuted')['required']!.push('venue' as never),
      /venue: the member is required/,
    ],
    [
      'an amount that may not be text',
      (copy) => set(schema(copy, 'TradeExecuted')['properties']!, 'price', { type: 'number' }),
      /type "string" became "number"/,
    ],
  ])('%s', (_, edit, change) => {
    expect(
      kafka(edit)
        .filter((text) => text.startsWith('breaking'))
        .join('\n'),
    ).toMatch(change)
  })

  test('but not by another form of a trade; by a new message it may be surprised', () => {
    const added = (name: string) => (copy: Any) =>
      set(channel(copy, name)['messages']!, 'more', copy['components']!['messages']!['orderPlaced'])
    expect(kafka(added('tradeExecuted'))).toEqual([])
    expect(kafka(added('orderPlaced'))).toEqual(['decide: orderPlaced more: the new message may come'])
  })
})

describe('a schema', () => {
  const compare = (direction: Direction, before: Json, after: Json): Change['kind'][] =>
    compareSchemas({ before, after, direction, at: '' }).map(({ kind }) => kind)

  const cases: [Direction, Json, Json, Change['kind'][]][] = [
    ['in', { type: 'integer' }, { type: 'number' }, []],
    ['out', { type: 'number' }, { type: 'integer' }, []],
    ['in', { type: 'number' }, { type: 'integer' }, ['breaking']],
    ['in', { type: 'string' }, { anyOf: [{ type: 'string' }, { type: 'null' }] }, []],
    ['out', { type: 'string' }, { anyOf: [{ type: 'string' }, { type: 'null' }] }, ['breaking']],
    ['out', { type: ['string', 'null'] }, { type: 'string' }, []],
    ['in', { type: ['string', 'null'] }, { type: 'string' }, ['breaking']],
    ['in', { type: 'string' }, { const: 'a', type: 'string' }, ['breaking']],
    ['out', { const: 'a' }, { enum: ['a', 'b'] }, ['decide']],
    ['in', { type: 'array', items: { maximum: 3 } }, { type: 'array', items: { maximum: 2 } }, ['breaking']],
    ['out', { type: 'array', items: { type: 'string' } }, { type: 'array' }, ['breaking']],
    ['in', { type: 'object' }, { type: 'object', additionalProperties: false }, ['breaking']],
    ['in', { type: 'object', properties: { a: {} } }, { type: 'object', properties: {} }, ['decide']],
    [
      'out',
      { type: 'object', additionalProperties: { type: 'string' } },
      { type: 'object', additionalProperties: { type: 'number' } },
      ['breaking'],
    ],
    ['in', { minimum: 1 }, { minimum: 0 }, []],
    ['in', { minimum: 0 }, { minimum: 1 }, ['breaking']],
    ['out', { minimum: 1 }, { minimum: 0 }, ['decide']],
    ['in', { pattern: 'a' }, {}, []],
    ['out', {}, { pattern: 'a' }, []],
  ]
  test.each(cases.map((one) => [one.map((part) => JSON.stringify(part)).join(' '), one] as const))('%s', (_, one) => {
    const [direction, before, after, kinds] = one
    expect(compare(direction, before, after)).toEqual(kinds)
  })
})
