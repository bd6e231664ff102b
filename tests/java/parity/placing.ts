// Placing orders.

import { javaError, order, orderText, springError, usual, type Answer, type ParityCase } from './case.ts'

const accepted: Answer = { status: 202, has: { status: 'NEW', filledQuantity: 0 } }
const invalid: Answer = { status: 400, members: springError }
const refused: Answer = { status: 400, members: [...javaError, 'errors'] }

type Rest = Partial<ParityCase>
const place = (name: string, body: ParityCase['body'], rest: Rest): ParityCase => ({
  name,
  source: 'told',
  method: 'POST',
  path: '/orders',
  ...(body === undefined ? {} : { body }),
  java: accepted,
  ...rest,
})
const noted = (name: string, body: ParityCase['body'], rest: Rest = {}): ParityCase =>
  place(name, body, { source: 'noted', ...rest })
const taken = (name: string, members: object): ParityCase => place(name, order(members), {})
const bad = (name: string, members: object): ParityCase => place(name, order(members), { java: invalid })
const json = (type: string) => ({ headers: { 'Content-Type': type } })

const strict = 'JSON is read strictly: what can be read in two ways is refused'

export const placing: readonly ParityCase[] = [
  place('a limit order', order(), { java: { status: 202, has: { ...usual, status: 'NEW', filledQuantity: 0 } } }),
  taken('a market order without a price', { type: 'MARKET', price: undefined }),
  taken('a market order with the price null', { type: 'MARKET', price: null }),
  taken('`IOC`', { timeInForce: 'IOC' }),
  taken('`FOK`', { timeInForce: 'FOK' }),
  taken('amounts as text', { quantity: '10', price: '150.5' }),
  taken('the least amounts, 0.000001', { quantity: 0.000_001, price: 0.000_001 }),
  place('an amount with an exponent', orderText('"quantity":10', '"quantity":1e1'), {
    java: { status: 202, has: { quantity: 10 } },
  }),
  taken('a ticker with a dot', { ticker: 'BRK.B' }),
  noted('the ticker `BTC/USD`', order({ ticker: 'BTC/USD' })),
  noted('the ticker `BTC_USD`', order({ ticker: 'BTC_USD' })),
  noted('the ticker `^GSPC`', order({ ticker: '^GSPC' })),
  noted('a ticker with blanks around it', order({ ticker: ' PAR ' }), {
    ours: refused,
    reason: 'no ticker has a blank; what is sent is not trimmed',
  }),
  noted('a quantity with zeros at its end, `10.000000`', orderText('"quantity":10', '"quantity":10.000000'), {
    java: { status: 202, has: { quantity: 10 } },
  }),
  noted('a quantity of 10,000,000,000', order({ quantity: 10_000_000_000 })),
  noted('a quantity of 1,000,000,000,000', orderText('"quantity":10', '"quantity":1e12'), {
    java: { status: 500 },
    ours: refused,
    reason: 'more than 12 digits before the point; the Java service failed, and had published the order',
  }),
  noted('a quantity of 0.0000001', orderText('"quantity":10', '"quantity":0.0000001'), {
    java: invalid,
    ours: accepted,
    reason: '8 fraction digits are kept exactly; `AMOUNT_FRACTION_DIGITS_MAX=6` refuses it',
  }),
  noted('a price of 0.00000001', orderText('"price":150', '"price":0.00000001'), {
    java: invalid,
    ours: accepted,
    reason: 'as for quantities',
  }),
  noted('an amount of 9 fraction digits', orderText('"quantity":10', '"quantity":1.123456789'), {
    ours: refused,
    reason: 'amounts are never rounded; the Java service stored 6 digits, and answered and published 9',
  }),
  noted('`DAY`', order({ timeInForce: 'DAY' }), {
    java: { status: 400 },
    ours: accepted,
    reason: 'it ends at the close of the session; the engine sees `GTC`',
  }),
  noted('an unknown member', order({ orderId: usual.userId }), {
    ours: refused,
    switched: accepted,
    reason: 'a term that is misspelt must not be dropped; `ORDERS_UNKNOWN_FIELDS` decides alone where it is set',
  }),
  noted('a member given twice', orderText('"quantity":10', '"quantity":11,"quantity":10'), {
    ours: refused,
    reason: strict,
  }),
  noted('a choice as a number, `"side":0`', order({ side: 0 }), { ours: refused, reason: strict }),
  noted('text behind the body', `${JSON.stringify(usual)} x`, { ours: refused, reason: strict }),
  noted('a body in UTF-16', order(), {
    encoding: 'utf16le',
    ours: refused,
    reason: 'JSON that is exchanged is UTF-8 (RFC 8259)',
  }),
  noted('a body of 70 KB', `${JSON.stringify(usual)}${' '.repeat(70_000)}`, {
    ours: { status: 413, members: javaError },
    reason: 'bodies are bounded; `BODY_MAX_BYTES` moves the bound',
  }),
  noted('`Content-Type: application/vnd.x+json`', order(), json('application/vnd.x+json')),
  place('`Content-Type: text/plain`', order(), { ...json('text/plain'), java: { status: 415 } }),
  place('a form', 'ticker=PAR', { ...json('application/x-www-form-urlencoded'), java: { status: 415 } }),
  place('no `Content-Type`', order(), { headers: { 'Content-Type': '' }, java: { status: 415 } }),
  noted('`Accept: text/plain`', order(), {
    headers: { Accept: 'text/plain' },
    java: { status: 406 },
    ours: accepted,
    reason: 'the Java service refused, and had placed the order',
  }),
  place('a body in chunks', order(), { wire: 'chunked' }),
  place('HTTP/1.0', order(), { wire: '1.0' }),
  place('`Expect: 100-continue`', order(), { wire: 'expect' }),
  place('`/orders/`', order(), {
    path: '/orders/',
    java: { status: 404 },
    ours: accepted,
    reason: 'one slash at the end does not count',
  }),
  noted('`/orders;x=1`', order(), {
    path: '/orders;x=1',
    ours: { status: 404 },
    reason: 'paths have no parameters',
  }),
  noted('no quantity', order({ quantity: undefined }), { java: invalid }),
  noted('the media type of a refusal', order({ quantity: undefined }), {
    java: { status: 400, headers: { 'content-type': 'application/json' } },
    ours: { status: 400, headers: { 'content-type': 'application/problem+json' } },
    reason: 'problems are those of RFC 9457; they have all members of both forms that the Java service had',
  }),
  bad('no user', { userId: undefined }),
  bad('no ticker', { ticker: undefined }),
  bad('no side', { side: undefined }),
  bad('no type', { type: undefined }),
  bad('a limit order without a price', { price: undefined }),
  bad('a quantity of 0', { quantity: 0 }),
  bad('a negative quantity', { quantity: -1 }),
  bad('a negative price', { price: -1 }),
  bad('a quantity that is no number', { quantity: 'ten' }),
  bad('an empty ticker', { ticker: '' }),
  bad('a ticker of 17 characters', { ticker: 'ABCDEFGHIJKLMNOPQ' }),
  bad('an unknown side', { side: 'HOLD' }),
  bad('a user that is no UUID', { userId: 'bob' }),
  place('a body that is no JSON', '{', { java: invalid }),
  place('an empty body', '', { java: invalid }),
  place('a list as the body', '[]', { java: invalid }),
]
