// Proves: no change breaks a client of the last released documents unless the major version says so, and none that may surprise a
// client passes without a reason. The checker itself is tested as well: it finds each kind of change, made to the real documents.

import { describe, expect, test } from 'bun:test'
import { compareAsyncApi, compareOpenApi, wideningsOfOpenApi } from './compareDocuments.ts'
import { isEcho, isPatternWithin } from './comparePatterns.ts'
import { compareSchemas, type Change, type Direction } from './compareSchemas.ts'
import { decided } from './decided.ts'
import { asyncApiDocument, openApiDocument, type Json } from './documents.ts'
import {
  changesSinceRelease,
  mayBreak,
  nextVersion,
  readReleased,
  readReleasedProto,
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

  test('all documents are of one release, and a released document is none of ours to edit', async () => {
    const versions = await Promise.all(
      Object.values(releasedFiles).map(async (file) => versionOf(await readReleased(file))),
    )
    const proto = await readReleasedProto()
    if (proto !== null) versions.push(proto.version)
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
      member(copy, 'PlaceOrder', 'timeInForce')['enum']!.push('OPG' as never)
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
    ['a new status of a refusal', (copy) => set(post(copy)['responses']!, '418', {}), /new status 418/],
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

describe('what is wider and harmless', () => {
  const [narrow, wide] = ['^[A-Za-z0-9.-]{1,16}$', '^[A-Za-z0-9._/:^=+&@#-]{1,16}$']
  const [stored, storedWide] = ['^[A-Z0-9.-]{1,16}$', '^[A-Z0-9._/:^=+&@#-]{1,16}$']
  const limitFirst = { required: ['price'], properties: { type: { const: 'LIMIT' }, price: { type: 'string' } } }
  const conditions = [limitFirst, { properties: { type: { const: 'MARKET' } } }]
  const setPattern = (copy: Any, schemas: readonly string[], pattern: string): void => {
    for (const name of schemas) set(member(copy, name, 'ticker'), 'pattern', pattern)
  }
  /** The documents of a service whose tickers are narrow, or as `edit` makes them. */
  const httpWith = (edit: (copy: Any) => void): Json => {
    const copy = structuredClone(openApiDocument)
    setPattern(copy as Any, ['PlaceOrder'], narrow)
    setPattern(copy as Any, ['Order', 'Fill', 'TradeException'], stored)
    edit(copy as Any)
    return copy
  }
  const before = httpWith(() => undefined)
  const changesOf = (edit: (copy: Any) => void): string[] => compareOpenApi(before, httpWith(edit)).map(textOf)

  test.each<[string, string, boolean]>([
    ['^[A-Z]{1,16}$', '^[A-Z]{1,16}$', true],
    [narrow, wide, true],
    [wide, narrow, false],
    ['^[A-Z]{2,16}$', '^[A-Z]{1,17}$', true],
    ['^[A-Z]{1,16}$', '^[A-Z]{2,16}$', false],
    ['^[A-Z]{1,16}$', '^[A-Z]{1,15}$', false],
    ['^[A-M]+$', '^[A-Z]*$', true],
    ['^[A-Z]*$', '^[A-Z]+$', false],
    ['^[A-MN-Z]?$', '^[A-Z]{0,1}$', true],
    ['^[A-CE-G]$', '^[A-G]$', true],
    ['^[A-G]$', '^[A-CE-G]$', false],
    ['^\\d+$', '^[0-9a-f]+$', false],
    ['^[\\d]+$', '^[0-9a-f]+$', true],
    ['^[\\d-]+$', '^[+0-9-]+$', true],
    ['^[^\\u0000-\\u001f\\u007f-\\u009f]*$', '^[^\\u0000-\\u001f]*$', true],
    ['^[^\\u0000-\\u001f]*$', '^[^\\u0000-\\u001f\\u007f-\\u009f]*$', false],
    ['^[ -~]{1,64}$', '^[^\\u0000-\\u001f]*$', true],
    ['^[\\]\\\\^]{1}$', '^[\\\\-^]{1,2}$', true],
    ['^[ -~]{1,64}$', '^([ -~]{1,64}|"(a|b)+")$', true],
    ['^"(a|b)+"$', '^([ -~]{1,64}|"(a|b)+")$', true],
    ['^[ -~]{1,65}$', '^([ -~]{1,64}|"(a|b)+")$', false],
    ['^a$', '^(a)(b|a)$', false],
    ['^a$', '^(b)|(a)$', false],
    ['^b$', '^([a|b]|c)$', false],
    // Forms that nobody decides here: wider or not, they are refused.
    ['^[\\w]$', '^[\\w.]$', false],
    ['^[A-Z]{1,16}', '^[A-Z]{1,17}', false],
    ['^a$|^[A-Z]{1,16}$', '^[A-Z]{1,17}$', false],
    ['^([A-Z])$', '^([A-Z]|a)$', false],
    ['^[A-\\d]$', '^[A-\\dB]$', false],
  ])('every text of %s is one of %s: %p', (one, other, isWithin) => {
    expect(isPatternWithin(one, other)).toBe(isWithin)
    const kinds = (direction: Direction, [from, to]: [string, string]) =>
      compareSchemas({ before: { pattern: from }, after: { pattern: to }, direction, at: '' }).map(({ kind }) => kind)
    expect(kinds('in', [one, other])).toEqual(isWithin ? [] : ['breaking'])
    expect(kinds('out', [other, one])).toEqual(isWithin ? [] : ['decide'])
  })

  test('is a pattern of a request, and then that of answers and events with a member of its name', () => {
    const everywhere = (copy: Any): void => {
      setPattern(copy, ['PlaceOrder'], wide)
      setPattern(copy, ['Order', 'Fill', 'TradeException'], storedWide)
    }
    expect(changesOf(everywhere)).toEqual([])
    const events = (pattern: string): Json => {
      const copy = structuredClone(asyncApiDocument) as Any
      setPattern(copy, ['OrderPlaced', 'OrderCancelled'], pattern)
      for (const name of ['orderPlaced', 'orderCancelled'])
        set(copy['components']!['messages']![name]!['bindings']!['kafka']!['key']!, 'pattern', pattern)
      return copy
    }
    const widenings = wideningsOfOpenApi(before, httpWith(everywhere))
    expect([...widenings.keys()]).toEqual(['ticker'])
    expect(compareAsyncApi(events(stored), events(storedWide), widenings)).toEqual([])
    const surprises = compareAsyncApi(events(stored), events(storedWide)).map(textOf)
    expect(surprises).toContainEqual(expect.stringMatching(/^decide: orderPlaced orderPlaced payload\/ticker: pattern/))
    expect(surprises).toContainEqual(expect.stringMatching(/^decide: orderPlaced orderPlaced key: pattern/))
  })

  test('but no wider answer without such a request, and none that has more than the request brought', () => {
    const surprise = /^decide: .*\/ticker: pattern was/
    expect(changesOf((copy) => setPattern(copy, ['Order'], storedWide))).toContainEqual(expect.stringMatching(surprise))
    const more = changesOf((copy) => {
      setPattern(copy, ['PlaceOrder'], wide)
      setPattern(copy, ['Order'], '^[A-Z0-9._/:^=+&@#!-]{1,16}$')
    })
    expect(more).toContainEqual(expect.stringMatching(surprise))
    // Under another name it is no echo.
    const other = (copy: Any): void => {
      setPattern(copy, ['PlaceOrder'], wide)
      set(member(copy, 'Order', 'side'), 'pattern', storedWide)
    }
    const otherBefore = httpWith((copy) => set(member(copy, 'Order', 'side'), 'pattern', stored))
    expect(compareOpenApi(otherBefore, httpWith(other)).map(textOf)).toContainEqual(
      expect.stringMatching(/^decide: .*\/side: pattern was/),
    )
  })

  test('an echo has no more characters and lengths than the request gained', () => {
    const request = { before: narrow, after: wide }
    expect(isEcho({ before: stored, after: storedWide }, request)).toBeTrue()
    expect(isEcho({ before: stored, after: '^[A-Z0-9._-]{1,16}$' }, request)).toBeTrue()
    expect(isEcho({ before: stored, after: '^[A-Z0-9._-]{1,17}$' }, request)).toBeFalse()
    expect(isEcho({ before: stored, after: '^[A-Za-z0-9._-]{1,16}$' }, request)).toBeFalse()
    const longer = { before: narrow, after: '^[A-Za-z0-9.-]{1,17}$' }
    expect(isEcho({ before: stored, after: '^[A-Z0-9.-]{1,17}$' }, longer)).toBeTrue()
    expect(isEcho({ before: stored, after: '^[A-Z0-9.-]{1,18}$' }, longer)).toBeFalse()
    expect(isEcho({ before: storedWide, after: stored }, request)).toBeFalse()
  })

  const accepted: [string, (copy: Any) => void][] = [
    ['an optional member of a request', (copy) => set(schema(copy, 'PlaceOrder')['properties']!, 'venue', {})],
    [
      'an optional header of a request',
      (copy) => post(copy)['parameters']!.push({ name: 'x', in: 'header', schema: {} } as never),
    ],
    ['a value that is taken', (copy) => member(copy, 'PlaceOrder', 'type')['enum']!.push('PEGGED' as never)],
    [
      'a media type of a body',
      (copy) => set(post(copy)['requestBody']!['content']!, 'application/cbor', { schema: {} }),
    ],
    ['a route', (copy) => set(copy['paths']!, '/orders/elsewhere', { get: post(copy) })],
    ['a method of a route', (copy) => set(copy['paths']!['/orders']!, 'put', { operationId: 'o', responses: {} })],
    ['a member of an answer', (copy) => set(schema(copy, 'Order')['properties']!, 'venue', { type: 'number' })],
    [
      'a member that an answer always has',
      (copy) => {
        set(schema(copy, 'Order')['properties']!, 'venue', { type: 'number' })
        schema(copy, 'Order')['required']!.push('venue' as never)
      },
    ],
    ['a header of an answer', (copy) => set(post(copy)['responses']!['202']!['headers']!, 'X', { schema: {} })],
  ]
  test.each(accepted)('is %s', (_, edit) => {
    expect(http(edit)).toEqual([])
  })

  const refused: [string, (copy: Any) => void, RegExp][] = [
    [
      'a media type of a body that is gone',
      (copy) => set(post(copy)['requestBody']!, 'content', {}),
      /^breaking: .*is gone/,
    ],
    [
      'a media type of an answer',
      (copy) => set(post(copy)['responses']!['202']!['content']!, 'text/csv', { schema: {} }),
      /^decide: .*the new media type text\/csv may come/,
    ],
    [
      'a required header of a request',
      (copy) => post(copy)['parameters']!.push({ name: 'x', in: 'header', required: true, schema: {} } as never),
      /^breaking: .*header x is required/,
    ],
  ]
  test.each(refused)('is not %s', (_, edit, change) => {
    expect(http(edit)).toContainEqual(expect.stringMatching(change))
  })

  const closed = { type: 'object', additionalProperties: false, properties: { kind: { enum: ['a', 'b'] }, size: {} } }
  const when = (kind: string, then: Json): Json => ({
    ...closed,
    properties: { kind: { enum: ['a', 'b', 'c'] }, size: {}, more: {} },
    allOf: [{ if: { required: ['kind'], properties: { kind: { const: kind } } }, then }],
  })
  const never = { type: 'null' }
  test.each<[string, Json, Json, Change['kind'][]]>([
    ['that only a new value meets', closed, when('c', { required: ['more'], properties: { size: never } }), []],
    ['of new members', closed, when('a', { properties: { more: never } }), []],
    ['that stays', when('a', { required: ['size'] }), when('a', { required: ['size'] }), []],
    ['that is gone', when('a', { required: ['size'] }), closed, ['breaking', 'breaking']],
    ['that requires a new member', closed, when('a', { required: ['more'] }), ['breaking']],
    ['that requires a member', closed, when('a', { required: ['size'] }), ['breaking']],
    ['that forbids a member', closed, when('a', { properties: { size: never } }), ['breaking']],
    [
      'of new members, where others were taken',
      { ...closed, additionalProperties: true },
      when('a', { properties: { more: never } }),
      ['breaking', 'breaking'],
    ],
    ['of another form', closed, { ...closed, allOf: [{ required: ['size'] }] }, ['breaking']],
  ])('or not, a condition %s', (_, before, after, kinds) => {
    expect(compareSchemas({ before, after, direction: 'in', at: '' }).map(({ kind }) => kind)).toEqual(kinds)
  })

  const text = { type: 'string' }
  const shape = { type: 'object', anyOf: conditions }
  const more = { ...shape, anyOf: [...conditions, { properties: { type: { const: 'STOP' } } }] }
  const inAllOf = ({ anyOf, ...rest }: typeof shape) => ({ ...rest, allOf: [{ anyOf }] })
  const tagged = (tag: string) => ({ type: 'object', required: ['kind'], properties: { kind: { const: tag } } })
  test.each<[string, Direction, Json, Json, Change['kind'][]]>([
    ['a form of anyOf that is sent', 'in', { anyOf: [text] }, { anyOf: [text, { type: 'number' }] }, []],
    ['a form of anyOf that comes', 'out', { anyOf: [text] }, { anyOf: [text, { type: 'number' }] }, ['breaking']],
    ['a form of anyOf that is gone', 'in', { anyOf: [text, { type: 'null' }] }, { anyOf: [text] }, ['breaking']],
    ['a form of oneOf of another type', 'in', { oneOf: [text] }, { oneOf: [text, { type: 'number' }] }, []],
    ['a form of oneOf with another tag', 'in', { oneOf: [tagged('a')] }, { oneOf: [tagged('a'), tagged('b')] }, []],
    [
      'a form of oneOf that suits beside',
      'in',
      { oneOf: [text] },
      { oneOf: [text, { ...text, maxLength: 9 }] },
      ['breaking'],
    ],
    [
      'a number beside an integer',
      'in',
      { oneOf: [{ type: 'integer' }] },
      { oneOf: [{ type: 'integer' }, { type: 'number' }] },
      ['breaking'],
    ],
    ['a condition that suits more', 'in', shape, more, []],
    ['a condition of an answer', 'out', shape, more, ['breaking']],
    ['a condition that is gone', 'in', more, shape, ['breaking']],
    [
      'a stricter condition',
      'in',
      shape,
      { ...shape, anyOf: [{ ...limitFirst, required: ['price', 'type'] }, conditions[1]] },
      ['breaking'],
    ],
    ['no condition any more', 'in', shape, { type: 'object' }, []],
    ['the same condition in allOf', 'in', shape, inAllOf(shape), []],
    ['a condition in allOf that suits more', 'in', inAllOf(shape), inAllOf(more), []],
    ['a condition in allOf that is gone', 'in', inAllOf(more), inAllOf(shape), ['breaking']],
    ['a condition that is new in allOf', 'in', { type: 'object' }, inAllOf(shape), ['breaking']],
    ['a value that is sent', 'in', { enum: ['a'] }, { enum: ['a', 'b'] }, []],
    ['a value that is sent no more', 'in', { enum: ['a', 'b'] }, { enum: ['a'] }, ['breaking']],
    ['a value that comes', 'out', { enum: ['a'] }, { enum: ['a', 'b'] }, ['decide']],
  ])('%s (%s)', (_, direction, one, other, kinds) => {
    expect(compareSchemas({ before: one, after: other, direction, at: '' }).map(({ kind }) => kind)).toEqual(kinds)
  })
})
