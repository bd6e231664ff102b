// Proves: the body of an order is read exactly or refused with every fault it has; nothing is dropped, nothing is echoed, and
// what is refused is not stored.

import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import * as fc from 'fast-check'
import { createApp } from '../../../src/http/server.ts'
import { jsonNumber } from '../../domain/arbitraries.ts'
import { judge, sameNumber } from '../../domain/oracle.ts'
import {
  badRequest,
  bodyOf,
  callerOf,
  openHarness,
  orderBody,
  orderText,
  refusal,
  serverOptions,
  type Harness,
} from '../harness.ts'

let harness: Harness
let ignoring: Harness['call']
beforeAll(async () => {
  harness = await openHarness()
  ignoring = callerOf(createApp(serverOptions({ service: harness.service, unknownFields: 'ignore' })))
})
afterAll(() => harness.close())

const post = (body: string | object, headers: Record<string, string> = {}) =>
  harness.call('POST', '/orders', { body, headers })
const postWith = (sources: Record<string, string>) => post(orderText(sources))
const detailsOf = (answer: Awaited<ReturnType<typeof post>>) =>
  (bodyOf(answer)['errors'] as { pointer: string; detail: string }[]).map(
    ({ pointer, detail }) => `${pointer} ${detail}`,
  )

describe('an amount', () => {
  test.each([
    ['100', '100'],
    ['150.5', '150.5'],
    ['1.50', '1.5'],
    ['1e-7', '0.0000001'],
    ['1E+2', '100'],
    ['0.00000001', '0.00000001'],
    ['1e-8', '0.00000001'],
    ['999999999999.99999999', '999999999999.99999999'],
    ['123456789012.12345678', '123456789012.12345678'],
    ['0.10000000000000000000', '0.1'],
    ['"100.00"', '100'],
    ['"0.00000001"', '0.00000001'],
    ['"999999999999.99999999"', '999999999999.99999999'],
    ['"5.000000000000"', '5'],
  ])('of %s is stored and answered as %s', async (source, text) => {
    const answer = await postWith({ quantity: source, price: source })
    expect(answer.status).toBe(202)
    expect(answer.text).toContain(`"quantity":${text},"price":${text},`)
    const { id } = bodyOf(answer) as { id: string }
    expect((await harness.call('GET', `/orders/${id}`)).text).toBe(answer.text)
    const [row] = await harness.database.sql`select quantity, price from orders where id = ${id}::uuid`
    expect(sameNumber(String(row!['quantity']), text)).toBeTrue()
    expect(sameNumber(String(row!['price']), text)).toBeTrue()
  })

  const rule =
    'must be a decimal > 0 with at most 12 integer and 8 fraction digits, as a number or as a string in plain notation'
  test.each([
    ['0', 'must be greater than 0'],
    ['-0', 'must be greater than 0'],
    ['-1', 'must be greater than 0'],
    ['-1e400', 'must be greater than 0'],
    ['"0.00"', 'must be greater than 0'],
    ['1e12', 'has more than 12 integer digits'],
    ['1e400', 'has more than 12 integer digits'],
    ['1e999999999999', 'has more than 12 integer digits'],
    ['9007199254740993', 'has more than 12 integer digits'],
    ['1e-9', 'has more than 8 fraction digits'],
    ['0.1000000000000000055', 'has more than 8 fraction digits'],
    ['"0.000000001"', 'has more than 8 fraction digits'],
    ['"1e2"', rule],
    ['"-1"', rule],
    ['"+1"', rule],
    ['"01"', rule],
    ['" 1"', rule],
    ['".5"', rule],
    ['"5."', rule],
    ['"1,5"', rule],
    ['""', rule],
    ['"NaN"', rule],
    ['"Infinity"', rule],
    ['true', rule],
    ['[100]', rule],
    ['{"source":"100"}', rule],
  ])('of %s is refused: %s', async (source, detail) => {
    expect(detailsOf(await postWith({ quantity: source }))).toEqual([`/quantity ${detail}`])
    expect(detailsOf(await postWith({ price: source }))).toEqual([`/price ${detail}`])
  })

  test.each(['1e-400', '1e-99999999999999999999'])('of %s, which a double takes for 0, is refused', async (source) => {
    expect(refusal(await postWith({ quantity: source }))).toEqual(badRequest('/quantity'))
  })

  test('in any notation is accepted exactly where the contract says so', async () => {
    const numbers = fc.sample(jsonNumber, { numRuns: 300, seed: 7 })
    await Promise.all(
      numbers.map(async (source) => {
        const verdict = judge(source)
        const answer = await postWith({ quantity: source })
        if (typeof verdict === 'string') expect(refusal(answer)).toEqual(badRequest('/quantity'))
        else expect(sameNumber(/"quantity":([^,]+),/.exec(answer.text)![1]!, source)).toBeTrue()
      }),
    )
  })
})

describe('the other members', () => {
  test.each(['BTC/USD', '^gspc', 'eur=x', 'A_:+&@#-.9'])(
    'the ticker %s, and it comes back as it is',
    async (ticker) => {
      const answer = await post({ ...orderBody, ticker })
      expect(answer.status).toBe(202)
      const { id } = bodyOf(answer)
      const path = `/orders?ticker=${encodeURIComponent(ticker)}`
      const { orders } = bodyOf(await harness.call('GET', path)) as { orders: { id: string; ticker: string }[] }
      expect(orders.find((order) => order.id === id)?.ticker).toBe(ticker.toUpperCase())
    },
  )

  test('are stored in canonical form', async () => {
    const answer = await post({ ...orderBody, userId: orderBody.userId.toUpperCase(), ticker: 'brk.b-1' })
    expect(bodyOf(answer)).toMatchObject({ userId: orderBody.userId, ticker: 'BRK.B-1' })
  })

  test.each([
    ['userId', '"6f1c2f52-3a39-4c3e-9d44"', 'must be a UUID'],
    ['userId', '"6f1c2f523a394c3e9d440d7a0a6a7c11"', 'must be a UUID'],
    ['userId', '"6f1c2f52-3a39-4c3e-9d44-0d7a0a6a7c11\\n"', 'must be a UUID'],
    ['userId', '1', 'must be a UUID'],
    ['userId', 'null', 'must be a UUID'],
    ['ticker', '""', 'must be 1 to 16 of A-Z a-z 0-9 . - _ / : ^ = + & @ #'],
    ['ticker', '"AAAAAAAAAAAAAAAAA"', 'must be 1 to 16 of A-Z a-z 0-9 . - _ / : ^ = + & @ #'],
    ['ticker', '"AA PL"', 'must be 1 to 16 of A-Z a-z 0-9 . - _ / : ^ = + & @ #'],
    ['ticker', '"AÄ"', 'must be 1 to 16 of A-Z a-z 0-9 . - _ / : ^ = + & @ #'],
    ['ticker', '"AAPL\\n"', 'must be 1 to 16 of A-Z a-z 0-9 . - _ / : ^ = + & @ #'],
    ['ticker', '"ſ"', 'must be 1 to 16 of A-Z a-z 0-9 . - _ / : ^ = + & @ #'],
    ['ticker', '["AAPL"]', 'must be 1 to 16 of A-Z a-z 0-9 . - _ / : ^ = + & @ #'],
    ['side', '"buy"', 'must be one of BUY, SELL'],
    ['side', 'null', 'must be one of BUY, SELL'],
    ['type', '"STOP_MARKET"', 'must be one of LIMIT, MARKET, STOP, STOP_LIMIT'],
    ['type', '"toString"', 'must be one of LIMIT, MARKET, STOP, STOP_LIMIT'],
    ['timeInForce', '"OPG"', 'must be one of GTC, IOC, FOK, DAY, GTD'],
    ['timeInForce', '0', 'must be one of GTC, IOC, FOK, DAY, GTD'],
    ['clientOrderId', '""', 'must be 1 to 64 printable ASCII characters'],
    ['clientOrderId', `"${'x'.repeat(65)}"`, 'must be 1 to 64 printable ASCII characters'],
    ['clientOrderId', '"ключ"', 'must be 1 to 64 printable ASCII characters'],
    ['clientOrderId', '"a\\tb"', 'must be 1 to 64 printable ASCII characters'],
    ['clientOrderId', '"a\\u0000b"', 'must be 1 to 64 printable ASCII characters'],
    ['clientOrderId', '"a\\u007f"', 'must be 1 to 64 printable ASCII characters'],
    ['clientOrderId', '"a\\n"', 'must be 1 to 64 printable ASCII characters'],
    ['clientOrderId', '"\\ud800"', 'must be 1 to 64 printable ASCII characters'],
    ['clientOrderId', '12345678901234567890', 'must be 1 to 64 printable ASCII characters'],
  ])('%s of %s is refused', async (name, source, detail) => {
    expect(detailsOf(await postWith({ [name]: source }))).toEqual([`/${name} ${detail}`])
  })

  test.each(['"\\u0000"', '"\\ud800"', '"\\udfff\\ud800"', '"\ud800"', '"A\\u0000"', '"a\u0000b"'])(
    '%j is no ticker, no user and no side',
    async (source) => {
      for (const name of ['ticker', 'userId', 'side']) {
        const answer = await postWith({ [name]: source })
        expect(answer.status).toBe(400)
      }
    },
  )

  test('"__proto__" is no user and no side; as a ticker it is one like any other, in upper case', async () => {
    for (const name of ['userId', 'side']) expect((await postWith({ [name]: '"__proto__"' })).status).toBe(400)
    expect(await harness.place({ ticker: '__proto__' })).toMatchObject({ ticker: '__PROTO__' })
  })

  test.each(['GTC', 'IOC', 'FOK', 'DAY'])('timeInForce %s is taken with either side and type', async (timeInForce) => {
    for (const side of ['BUY', 'SELL'])
      for (const rule of [{ type: 'LIMIT' }, { type: 'MARKET', price: undefined }])
        expect(await harness.place({ timeInForce, side, ...rule })).toMatchObject({
          timeInForce,
          side,
          type: rule.type,
        })
  })

  test('every printable ASCII character may stand in a key, and comes back', async () => {
    const printable = Array.from({ length: 95 }, (_, i) => String.fromCharCode(32 + i)).join('')
    for (const clientOrderId of [printable.slice(0, 64), printable.slice(31), 'NULL', 'null', '{}', "a'b"]) {
      const { id } = await harness.place({ clientOrderId })
      expect(bodyOf(await harness.call('GET', `/orders/${id}`))).toMatchObject({ clientOrderId })
    }
  })

  test('a key of null is none', async () => {
    expect(await harness.place({ clientOrderId: null })).toMatchObject({ clientOrderId: null })
  })
})

describe('where amounts have fewer digits', () => {
  const digits = { integer: 3, fraction: 0 }
  let placing: Harness['call']
  beforeAll(() => {
    placing = callerOf(createApp(serverOptions({ service: harness.service, amountDigits: digits })))
  })
  const refusalOf = async (sources: Record<string, string>) =>
    detailsOf(await placing('POST', '/orders', { body: orderText({ price: '1', ...sources }) }))

  test.each([
    ['1000', 'has more than 3 integer digits'],
    [
      '"1e3"',
      'must be a decimal > 0 with at most 3 integer and 0 fraction digits, as a number or as a string in plain notation',
    ],
    ['1.5', 'has more than 0 fraction digits'],
  ])('%s is refused with the limit in force', async (source, detail) => {
    expect(await refusalOf({ quantity: source })).toEqual([`/quantity ${detail}`])
    expect(await refusalOf({ price: source })).toEqual([`/price ${detail}`])
  })

  test.each(['999', '999.000', '"1.0"', '10e1'])('%s is placed', async (source) => {
    const body = orderText({ price: '1', quantity: source })
    expect((await placing('POST', '/orders', { body })).status).toBe(202)
  })

  test('the document of the service says so', async () => {
    const { components } = bodyOf(await placing('GET', '/openapi.json')) as {
      components: { schemas: { PlaceOrder: { properties: Record<string, { description: string; oneOf: unknown[] }> } } }
    }
    const { quantity } = components.schemas.PlaceOrder.properties
    expect(quantity!.description).toContain('at most 3 integer and 0 fraction digits')
    expect(quantity!.oneOf).toEqual([
      { type: 'number', exclusiveMinimum: 0, maximum: 1000 },
      { type: 'string', pattern: '^(?=.*[1-9])(0|[1-9]\\d{0,2})(\\.0+)?$' },
    ])
  })
})

describe('the price', () => {
  test.each(['{"price":null}', '{}'])('is required for LIMIT: %s is none', async (source) => {
    const { price: _, ...rest } = orderBody
    const answer = await post({ ...rest, ...(JSON.parse(source) as object) })
    expect(bodyOf(answer)).toEqual({
      type: 'urn:orders:problem:validation',
      title: 'Invalid order',
      status: 400,
      detail: 'price is required for LIMIT',
      code: 'BAD_REQUEST',
      message: 'price is required for LIMIT',
      errors: [{ pointer: '/price', detail: 'is required for LIMIT' }],
      timestamp: expect.any(String),
      error: 'Bad Request',
      path: '/orders',
    })
  })

  test('is forbidden for MARKET', async () => {
    expect(detailsOf(await post({ ...orderBody, type: 'MARKET' }))).toEqual(['/price is forbidden for MARKET'])
  })

  test('of null is no price of a MARKET order', async () => {
    expect(await harness.place({ type: 'MARKET', price: null })).toMatchObject({ type: 'MARKET', price: null })
  })
})

describe('every fault is listed', () => {
  test('of an empty object', async () => {
    expect(detailsOf(await post('{}'))).toEqual(
      ['userId', 'ticker', 'side', 'type', 'timeInForce', 'quantity'].map((name) => `/${name} is required`),
    )
  })

  test('of an order that is wrong all over, header included', async () => {
    const body = {
      userId: 'me',
      ticker: '?',
      side: 'HOLD',
      type: 'LIMIT',
      timeInForce: 'NOW',
      quantity: -1,
      clientOrderId: '',
      extra: 1,
    }
    const answer = await post(body, { 'idempotency-key': '' })
    expect(refusal(answer).pointers.toSorted()).toEqual(
      [
        '/userId',
        '/ticker',
        '/side',
        '/timeInForce',
        '/quantity',
        '/price',
        '/clientOrderId',
        '/extra',
        'header:Idempotency-Key',
      ].toSorted(),
    )
    expect(bodyOf(answer)['title']).toBe('Invalid order')
  })
})

describe('an unknown member', () => {
  test.each(['note', 'Price', 'id', 'status', 'constructor', 'toString', 'hasOwnProperty', 'clientOrderID'])(
    '%s is refused',
    async (name) => {
      expect(detailsOf(await postWith({ [name]: '1' }))).toEqual([`/${name} is not a member of an order`])
    },
  )

  test('__proto__ is refused, and brings no members in', async () => {
    const { quantity: _, ...rest } = orderBody
    const body = `${JSON.stringify(rest).slice(0, -1)},"__proto__":{"quantity":100}}`
    expect(refusal(await post(body))).toEqual(badRequest('/quantity', '/__proto__'))
    expect(refusal(await ignoring('POST', '/orders', { body }))).toEqual(badRequest('/quantity'))
  })

  test('whose name could be taken for something else is not repeated', async () => {
    const answer = await postWith({ '<b>hello</b>': '1', [`n${'x'.repeat(64)}`]: '1', 'a/b': '1' })
    expect(refusal(answer)).toEqual(badRequest('', '', ''))
    expect(answer.text).not.toContain('hello')
    expect(answer.text).not.toContain('xxx')
  })

  test('is taken with ORDERS_UNKNOWN_FIELDS=ignore, and nothing of it is kept', async () => {
    const body = orderText({ note: '"hello"', __proto__x: '{"a":1}', nested: '{"price":1,"price":2}' })
    const answer = await ignoring('POST', '/orders', { body })
    expect(answer.status).toBe(202)
    expect(answer.text).not.toContain('hello')
  })

  test('does not excuse a fault in a known one', async () => {
    const body = orderText({ note: '1', side: '"UP"' })
    expect(refusal(await ignoring('POST', '/orders', { body }))).toEqual(badRequest('/side'))
  })
})

describe('a member given twice', () => {
  test.each([
    ['"quantity":100,"quantity":1', '/quantity'],
    ['"quantity":100,"quantity":100', '/quantity'],
    ['"quantity":1,"q\\u0075antity":100', '/quantity'],
    ['"note":1,"note":2', '/note'],
    ['"__proto__":1,"__proto__":2', '/__proto__'],
    ['"\\u0000":1,"\\u0000":2', ''],
  ])('%s is refused, for which one was meant cannot be known', async (twice, pointer) => {
    const body = `{${twice},${orderText().slice(1)}`
    expect(refusal(await post(body))).toEqual(badRequest(pointer))
    expect(refusal(await ignoring('POST', '/orders', { body }))).toEqual(badRequest(pointer))
  })
})

describe('a body that is no order', () => {
  test.each([
    ['', 'the body is not valid JSON'],
    ['{', 'the body is not valid JSON'],
    ['{"quantity":01}', 'the body is not valid JSON'],
    ['{"quantity":NaN}', 'the body is not valid JSON'],
    ["{'quantity':1}", 'the body is not valid JSON'],
    ['{"a":1}{"a":1}', 'the body is not valid JSON'],
    ['{"ticker":"a\u0000b"}', 'the body is not valid JSON'],
    ['null', 'the body must be a JSON object'],
    ['1', 'the body must be a JSON object'],
    ['12345678901234567890', 'the body must be a JSON object'],
    ['"order"', 'the body must be a JSON object'],
    ['[]', 'the body must be a JSON object'],
    [`[${JSON.stringify(orderBody)}]`, 'the body must be a JSON object'],
  ])('%j is refused: %s', async (body, detail) => {
    expect(detailsOf(await post(body))).toEqual([` ${detail}`])
  })

  test('nested as deep as a body can be is refused like any other', async () => {
    const deep = (inner: string) => '['.repeat(30_000) + inner + ']'.repeat(30_000)
    for (const body of [
      '['.repeat(65_000),
      '{"a":'.repeat(10_000),
      orderText({ note: deep('') }),
      orderText({ quantity: deep('1234567890123456789') }),
    ])
      expect((await post(body)).status).toBe(400)
    expect((await ignoring('POST', '/orders', { body: orderText({ note: deep('') }) })).status).toBe(202)
  })
})

test('nothing that was sent comes back in a problem', async () => {
  const secret = 'correct-horse'
  const bodies = [
    `{"userId":"${secret}"`,
    ...Object.keys(orderBody).map((name) => orderText({ [name]: `"${secret}"` })),
    orderText({ clientOrderId: `"${secret.repeat(9)}"` }),
    orderText({ quantity: `{"${secret}":1}` }),
    `"${secret}"`,
  ]
  for (const body of bodies) {
    const answer = await post(body, { 'idempotency-key': `\u00e9${secret}` })
    expect(answer.status).toBe(400)
    expect(answer.text).not.toContain(secret)
    expect(answer.text.toLowerCase()).not.toMatch(/typebox|elysia|syntaxerror|unexpected|at .*\.ts|select |postgres/)
  }
})

test('what was refused was not stored', async () => {
  const before = await harness.count('orders')
  await post(orderText({ clientOrderId: '"refused-1"', side: '"UP"' }))
  await post(orderText({ clientOrderId: '"refused-1"', quantity: '0' }))
  expect(await harness.count('orders')).toBe(before)
  expect(await harness.count('outbox')).toBe(before)
  const accepted = await post(orderText({ clientOrderId: '"refused-1"' }))
  expect([accepted.status, accepted.headers.get('idempotent-replayed')]).toEqual([202, null])
})
