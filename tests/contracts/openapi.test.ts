// Proves: the OpenAPI document is valid, names every route of the app and no other, and everything that it says is real: every
// status that it lists was observed, everything that was observed is in it, and its examples are the service's own output.

import { beforeAll, describe, expect, test } from 'bun:test'
import { Validator } from '@seriousme/openapi-schema-validator'
import { amountDigits } from '../../src/domain/decimal.ts'
import { createOpenApi } from '../../src/http/contract/openapi.ts'
import { problems } from '../../src/http/exchange/problem.ts'
import { createApp } from '../../src/http/server.ts'
import { serverOptions } from '../http/harness.ts'
import { openApiDocument, type Json } from './documents.ts'
import { answerFaults, closed, createAjv, pathOf, paths, requestFaults, type Operation } from './judge.ts'
import { record, type Recorded } from './recorder.ts'

let recorded: Recorded[] = []
beforeAll(async () => {
  recorded = await record()
})

type Named = { method: string; path: string; operation: Operation }
const documented: Named[] = Object.entries(paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ method: method.toUpperCase(), path, operation })),
)
const outcomes = documented.flatMap(({ method, path, operation }) =>
  Object.keys(operation.responses).map((status) => `${method} ${path} ${status}`),
)

describe('the document', () => {
  test('is valid OpenAPI 3.1', async () => {
    expect(openApiDocument['openapi']).toBe('3.1.1')
    const result = await new Validator().validate(structuredClone(openApiDocument))
    expect(result.errors).toBeUndefined()
    expect(result.valid).toBeTrue()
  })

  test('names every route of the app, and no other', () => {
    const routes = createApp(serverOptions()).routes.map(
      ({ method, path }) => `${method} ${path.replace(/:(\w+)/g, '{$1}')}`,
    )
    const others = documented.filter(({ method }) => method !== 'OPTIONS')
    expect(others.map(({ method, path }) => `${method} ${path}`).toSorted()).toEqual(routes.toSorted())
  })

  test('has OPTIONS on every path, with the methods of that path', async () => {
    for (const [path, methods] of Object.entries(paths)) {
      const real = recorded.find((one) => one.method === 'OPTIONS' && pathOf(one.path)!.template === path)!
      const { schema } = methods['options']!.responses['204']!.headers!['Allow']!
      expect([path, schema['examples']]).toEqual([path, [real.headers.get('allow')]])
    }
  })

  test('gives every operation a name of its own and every part of a path a parameter', () => {
    const ids = documented.map(({ operation }) => operation.operationId)
    expect(new Set(ids).size).toBe(ids.length)
    for (const { path, operation } of documented) {
      const named = (operation.parameters ?? []).filter((parameter) => parameter.in === 'path').map(({ name }) => name)
      expect(named).toEqual([...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name!))
    }
  })

  test('says of every problem its status, type and code', () => {
    const seen = new Set<string>()
    for (const { operation } of documented)
      for (const [status, { content = {} }] of Object.entries(operation.responses)) {
        const media = content['application/problem+json']
        if (media === undefined) continue
        for (const schema of (media.schema['anyOf'] ?? [media.schema]) as { properties: Record<string, Json> }[]) {
          const code = schema.properties['code']!['const'] as keyof typeof problems
          seen.add(code)
          expect(schema.properties['status']!['const']).toBe(problems[code].status)
          expect(Number(status)).toBe(problems[code].status)
        }
      }
    expect([...seen].toSorted()).toEqual(
      Object.keys(problems)
        .filter((code) => !['UNAUTHORIZED', 'FORBIDDEN'].includes(code))
        .toSorted(),
    )
  })

  test('has every object closed that the service closes, and open where it is told to ignore', async () => {
    const membersOf = (document: unknown) =>
      (document as { components: { schemas: Record<string, Json> } }).components.schemas['PlaceOrder']![
        'additionalProperties'
      ]
    expect(membersOf(openApiDocument)).toBeFalse()
    const lenient = createOpenApi({
      version: 'test',
      unknownFields: 'ignore',
      bodyMaxBytes: 1,
      batchBodyMaxBytes: 1,
      amountDigits,
    })
    expect(membersOf(lenient)).toBeTrue()
  })
})

describe('recorded exchanges', () => {
  test('hold nothing that the document does not know', () => {
    expect(recorded.length).toBeGreaterThan(100)
    expect(recorded.flatMap((one) => answerFaults(one))).toEqual([])
  })

  test('cover every status that the document lists', () => {
    const seen = new Set(recorded.map(({ method, path, status }) => `${method} ${pathOf(path)!.template} ${status}`))
    // A refused method has no operation of its own: it stands with those of its path.
    const refused = new Set([...seen].filter((one) => one.endsWith(' 405')).map((one) => one.split(' ')[1]!))
    const missing = outcomes.filter((one) => {
      const [, path, status] = one.split(' ')
      return !seen.has(one) && !(status === '405' && refused.has(path!))
    })
    expect(missing).toEqual([])
  })

  test('that were taken are requests as the document allows them', () => {
    // A batch is taken whatever its items are; those that are no orders are refused at their place.
    const taken = recorded.filter(
      ({ status, method, text }) => status < 300 && method !== 'HEAD' && !text.includes('"status":400'),
    )
    expect(taken.flatMap(({ method, path, sent }) => requestFaults(method, path, sent))).toEqual([])
  })
})

describe('the judge', () => {
  const found = (method: string, path: string, status: number) =>
    recorded.find((one) => one.method === method && pathOf(one.path)?.template === path && one.status === status)!
  const order = () => found('POST', '/orders', 202)
  const changedBody = (change: (body: Json) => void): Recorded => {
    const body = JSON.parse(order().text) as Json
    change(body)
    return { ...order(), text: JSON.stringify(body) }
  }
  const withHeader = (name: string, value: string | null): Recorded => {
    const headers = new Headers(order().headers)
    if (value === null) headers.delete(name)
    else headers.set(name, value)
    return { ...order(), headers }
  }

  test.each<[string, () => Recorded, RegExp]>([
    ['an undocumented status', () => ({ ...order(), status: 201 }), /status is not documented/],
    ['an undocumented path', () => ({ ...order(), path: '/secret' }), /path is not documented/],
    ['an undocumented method', () => ({ ...order(), method: 'PUT' }), /method is not documented/],
    ['an undocumented header', () => withHeader('x-more', '1'), /header x-more is not documented/],
    ['a missing header', () => withHeader('location', null), /header location is missing/],
    ['a header of another form', () => withHeader('location', '/elsewhere'), /header location must match/],
    ['another media type', () => withHeader('content-type', 'text/html'), /media type text\/html/],
    ['an undocumented member', () => changedBody((body) => (body['extra'] = 1)), /unevaluated/],
    ['a missing member', () => changedBody((body) => delete body['version']), /version/],
    ['a member of another type', () => changedBody((body) => (body['quantity'] = '40')), /quantity must be number/],
    ['an unknown value', () => changedBody((body) => (body['status'] = 'OPEN')), /status must be equal/],
    ['an unknown code', () => ({ ...found('GET', '/orders/{id}', 404), status: 400 }), /must be equal to constant/],
  ])('finds %s', (_, exchange, fault) => {
    const [first, ...more] = answerFaults(exchange())
    expect([first, ...more].join('\n')).toMatch(fault)
  })

  test.each<[string, string, string, object]>([
    ['an unknown parameter', 'GET', '/orders?page=2', {}],
    ['a value out of bounds', 'GET', '/orders?limit=501', {}],
    ['a parameter given twice', 'GET', '/orders?limit=1&limit=1', {}],
    ['an id that is none', 'GET', '/orders/x', {}],
    ['a body without a member', 'POST', '/orders', { body: '{}' }],
    ['a price of a MARKET order', 'POST', '/orders', { body: order_({ type: 'MARKET' }) }],
    ['no price of a LIMIT order', 'POST', '/orders', { body: order_({ price: null }) }],
  ])('finds %s in a request', (_, method, path, sent) => {
    expect(requestFaults(method, path, sent)).not.toEqual([])
  })

  function order_(changed: object): string {
    const body = { userId: crypto.randomUUID(), ticker: 'A', side: 'BUY', type: 'LIMIT', timeInForce: 'GTC' }
    return JSON.stringify({ ...body, quantity: 1, price: 1, ...changed })
  }
})

describe('an example', () => {
  type Media = { schema: Json; example?: unknown; examples?: Record<string, { value: unknown }> }
  const examplesOf = ({ example, examples }: Media): unknown[] =>
    examples === undefined ? [example] : Object.values(examples).map(({ value }) => value)
  const contents = documented.flatMap(({ method, path, operation }) => [
    ...Object.entries(operation.requestBody?.content ?? {}).map(([, media]) => ({
      method,
      path,
      status: 'body',
      media,
    })),
    ...Object.entries(operation.responses).flatMap(([status, { content = {} }]) =>
      Object.values(content).map((media) => ({ method, path, status, media })),
    ),
  ])

  test.each(contents.map((one) => [`${one.method} ${one.path} ${one.status}`, one] as const))(
    'of %s is as its schema says',
    (_, { media }) => {
      const examples = examplesOf(media)
      expect(examples.length).toBeGreaterThan(0)
      const validate = createAjv().compile(closed(media.schema))
      for (const example of examples) {
        expect(example).toBeDefined()
        validate(example)
        expect(validate.errors).toBeNull()
      }
    },
  )

  /** A real problem, but for what each request has of its own. */
  const asExample = (real: Json, { timestamp, path, order }: Json): Json => ({
    ...real,
    timestamp,
    path,
    ...(order !== undefined && { order: { ...(real['order'] as Json), id: (order as Json)['id'] } }),
  })

  test('of a problem is a real answer of its route, word for word', () => {
    const problemsOf = contents.filter(({ status }) => Number(status) >= 400 && Number(status) !== 405)
    const unreal = problemsOf.filter(({ method, path, status, media }) => {
      const examples = (examplesOf(media) as Json[]).filter(({ code }) => code !== undefined)
      const real = recorded.filter(
        (one) => one.method === method && one.status === Number(status) && pathOf(one.path)!.template === path,
      )
      return examples.some(
        (example) => !real.some(({ text }) => Bun.deepEquals(asExample(JSON.parse(text) as Json, example), example)),
      )
    })
    expect(unreal.map(({ method, path, status }) => `${method} ${path} ${status}`)).toEqual([])
    const methods = contents.filter(({ status }) => status === '405')
    for (const { path, media } of methods) {
      const real = recorded.find((one) => one.status === 405 && pathOf(one.path)!.template === path)!
      const [example] = examplesOf(media) as Json[]
      expect(example).toEqual(asExample(JSON.parse(real.text) as Json, example!))
    }
  })

  test('of an order is the answer to the example of its request', () => {
    const ofTime = { id: 'x', createdAt: 'x', updatedAt: 'x' }
    const { examples } = paths['/orders']!['post']!.requestBody!.content['application/json'] as unknown as Media
    const media = paths['/orders']!['post']!.responses['202']!.content!['application/json'] as unknown as Media
    const sent = recorded.filter(
      ({ method, path, status }) => method === 'POST' && path === '/orders' && status === 202,
    )
    for (const { value } of Object.values(examples!))
      expect(sent.some(({ sent: { body } }) => body === JSON.stringify(value))).toBeTrue()
    const answer = sent.find(({ sent: { body } }) => body === JSON.stringify(examples!['limit']!.value))!
    expect({ ...(JSON.parse(answer.text) as Json), ...ofTime }).toEqual({ ...(media.example as Json), ...ofTime })
  })
})
