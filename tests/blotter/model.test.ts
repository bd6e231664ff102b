// Proves: what the page shows of orders is exact to the last digit and sorted as decimals; filters, changes and repeats leave the rows that
// a sort of everything would; a form has the fields that the rules of the type give it.

import { describe, expect, test } from 'bun:test'
import { createBook } from '../../src/blotter/model/book.ts'
import { causeText, eventFromJson, eventTitle } from '../../src/blotter/model/event.ts'
import { noFilter, type Filter } from '../../src/blotter/model/filter.ts'
import { manyOf } from '../../src/blotter/model/many.ts'
import { amountText, filledShare } from '../../src/blotter/model/order.ts'
import { newestFirst, type Sort } from '../../src/blotter/model/sort.ts'
import {
  bodyOf,
  emptyTicket,
  faultsByField,
  fieldsOf,
  presenceOf,
  timesInForceOf,
  withType,
} from '../../src/blotter/model/ticket.ts'
import { aligned, columnsFor, fractionOf, leastWidth, tracksOf } from '../../src/blotter/orders/columns.ts'
import { rowAfterKey } from '../../src/blotter/orders/gridKeys.ts'
import { presenceFaults } from '../../src/domain/termFaults.ts'
import { orderTypes } from '../../src/domain/terms.ts'
import { parseExactJson } from '../../src/wire/json.ts'
import { createRandom } from '../support/random.ts'
import { orderOf } from './orders.ts'

const fresh = (...orders: ReturnType<typeof orderOf>[]) => orders.map((order) => ({ order, kind: null }))
const idsOf = (book: ReturnType<typeof createBook>) => book.rows().map(({ order }) => Number(order.id.slice(-12)))

describe('an amount', () => {
  test.each([
    ['123456789012.12345678', '123456789012.12345678'],
    ['0.00000001', '0.00000001'],
    ['1e-7', '0.0000001'],
    ['150.50', '150.5'],
    ['0', '0'],
    ['null', null],
  ])('%s is shown as %s', (source, text) => {
    expect(amountText(parseExactJson(source))).toBe(text)
  })

  test('of an order keeps every digit', () => {
    const order = orderOf(1, { quantity: '123456789012.12345678', price: '0.00000001' })
    expect([order.quantity, order.price]).toEqual(['123456789012.12345678', '0.00000001'])
  })

  test('stands with its point below the others', () => {
    const texts = ['1', '0.25', '123.4567', '']
    const fraction = fractionOf(texts)
    const shown = texts.map((text) => aligned(text, fraction))
    expect(shown.map((text) => text.trimEnd())).toEqual(texts)
    const fromRight = shown
      .slice(0, 3)
      .map((text) => text.length - (text.includes('.') ? text.indexOf('.') : text.trimEnd().length))
    expect(new Set(fromRight)).toEqual(new Set([5]))
  })

  test('is a share of the bar, whole where all is filled', () => {
    const share = (filledQuantity: string, quantity: string) => filledShare({ filledQuantity, quantity })
    expect([share('0', '3'), share('1', '4'), share('0.1', '0.1')]).toEqual([0, 0.25, 1])
  })
})

describe('the rows', () => {
  test('are sorted by decimals, not by text and not by doubles', () => {
    const book = createBook()
    const [a, b] = ['123456789012.12345678', '123456789012.12345679']
    expect(Number(a)).toBe(Number(b))
    book.put(
      fresh(
        orderOf(1, { quantity: b }),
        orderOf(2, { quantity: '9' }),
        orderOf(3, { quantity: a }),
        orderOf(4, { quantity: '10' }),
      ),
    )
    book.show(noFilter, { column: 'quantity', descending: false })
    expect(idsOf(book)).toEqual([2, 4, 3, 1])
    book.show(noFilter, { column: 'quantity', descending: true })
    expect(idsOf(book)).toEqual([1, 3, 4, 2])
  })

  test('take an order once a version: what is not newer changes nothing', () => {
    const book = createBook()
    const filled = orderOf(1, { version: '2', status: '"FILLED"', filledQuantity: '100' })
    expect(book.put([{ order: filled, kind: 'FILLED' }])).toBe(1)
    expect(
      book.put([
        { order: orderOf(1, { version: '1' }), kind: 'FILLED' },
        { order: filled, kind: 'FILLED' },
      ]),
    ).toBe(0)
    expect(book.get(filled.id)?.status).toBe('FILLED')
    expect(book.counts()).toEqual({ all: 1, open: 0 })
  })

  test('flash for fills that came as events, once', () => {
    const book = createBook()
    const [read, event] = [orderOf(1, { version: '1' }), orderOf(2, { version: '1' })]
    book.put([
      { order: read, kind: null },
      { order: event, kind: 'FILLED' },
    ])
    expect([...book.takeFlashes()]).toEqual([event.id])
    expect([...book.takeFlashes()]).toEqual([])
  })

  test('flash for no order that is forgotten, however long nobody looks', () => {
    const book = createBook(2)
    for (let n = 1; n <= 9; n++) book.put([{ order: orderOf(n, { status: '"FILLED"' }), kind: 'FILLED' }])
    expect([...book.takeFlashes()]).toEqual([8, 9].map((n) => orderOf(n).id))
  })

  test('are the orders that there are, however many changes nobody looked at', () => {
    const book = createBook(10)
    book.put(fresh(orderOf(0)))
    expect(idsOf(book)).toEqual([0])
    for (let n = 1; n <= 6_000; n++) book.put(fresh(orderOf(n, { status: '"FILLED"' })))
    expect(idsOf(book)).toEqual([6000, 5999, 5998, 5997, 5996, 5995, 5994, 5993, 5992, 0])
    book.put(fresh(orderOf(0, { version: '1', status: '"CANCELED"' })))
    expect(book.rows().at(-1)!.order.status).toBe('CANCELED')
  })

  test('beyond the bound cost a look at each order that comes, not at all that are open', () => {
    const book = createBook(10)
    let looks = 0
    const orders = Array.from({ length: 1_000 }, (_, n) =>
      Object.defineProperty({ ...orderOf(n) }, 'status', { get: () => (looks++, 'NEW') }),
    )
    book.put(fresh(...orders))
    expect(book.counts()).toEqual({ all: 1_000, open: 1_000 })
    expect(looks).toBeLessThan(10_000)
  })

  test('are the same list while nothing changes', () => {
    const book = createBook()
    book.put(fresh(orderOf(1)))
    expect(book.rows()).toBe(book.rows())
  })

  test('lose the oldest ended orders beyond the bound, and no open one', () => {
    const book = createBook(3)
    book.put(fresh(orderOf(1), orderOf(2, { status: '"CANCELED"' }), orderOf(3, { status: '"FILLED"' }), orderOf(4)))
    expect(idsOf(book)).toEqual([4, 3, 1])
    book.put(fresh(orderOf(5), orderOf(6)))
    expect(idsOf(book)).toEqual([6, 5, 4, 1])
    expect(book.counts()).toEqual({ all: 4, open: 4 })
  })

  test('after any changes are those that a sort of everything gives', () => {
    const random = createRandom(7)
    const { pick } = random
    const sorts: readonly Sort[] = [
      newestFirst,
      { column: 'quantity', descending: true },
      { column: 'ticker', descending: false },
      { column: 'status', descending: true },
    ]
    const filters: readonly Filter[] = [
      noFilter,
      { ...noFilter, status: 'open' },
      { ...noFilter, ticker: 'a', side: 'BUY' },
    ]
    for (const sort of sorts)
      for (const filter of filters) {
        const [book, judge] = [createBook(), createBook()]
        book.show(filter, sort)
        const versions = new Map<number, number>()
        for (let step = 0; step < 200; step++) {
          const n = random.below(30)
          versions.set(n, (versions.get(n) ?? -1) + 1)
          const change = fresh(
            orderOf(n, {
              version: String(versions.get(n)),
              ticker: `"${pick(['AAPL', 'ABC', 'MSFT'])}"`,
              side: `"${pick(['BUY', 'SELL'])}"`,
              status: `"${pick(['NEW', 'PARTIALLY_FILLED', 'FILLED', 'CANCELED'])}"`,
              quantity: pick(['1', '10', '9.5', '0.00000001']),
            }),
          )
          book.put(change)
          judge.put(change)
          if (random.chance(0.5)) continue
          judge.show(filter, sort)
          expect(idsOf(book)).toEqual(idsOf(judge))
        }
      }
  })
})

describe('a filter', () => {
  const book = createBook()
  book.put(
    fresh(
      orderOf(1, { ticker: '"AAPL"', clientOrderId: '"Desk-7"', side: '"SELL"' }),
      orderOf(2, { ticker: '"MSFT"', userId: '"b0b00000-0000-4000-8000-000000000002"', status: '"FILLED"' }),
      orderOf(3, { ticker: '"AAP"', status: '"EXPIRED"' }),
    ),
  )
  test.each([
    [{ ticker: 'aap ' }, [3, 1]],
    [{ user: 'B0B0' }, [2]],
    [{ side: 'SELL' }, [1]],
    [{ status: 'open' }, [1]],
    [{ status: 'closed' }, [3, 2]],
    [{ status: 'EXPIRED' }, [3]],
    [{ key: 'k-7' }, [1]],
    [{ key: 'desk' }, []],
    [{ key: '01A21972-0000-7000-8000-000000000002' }, [2]],
  ] as const)('%j leaves %j', (filter, ids) => {
    book.show({ ...noFilter, ...filter }, newestFirst)
    expect(idsOf(book)).toEqual([...ids])
  })
})

describe('a cancel of many', () => {
  const user = 'B0B00000-0000-4000-8000-000000000002'
  test.each([
    [{ ticker: 'brk.b' }, 'ticker=BRK.B'],
    [{ user, side: 'SELL', status: 'open' }, `userId=${user.toLowerCase()}&side=SELL`],
    [{ user, ticker: 'EUR+USD' }, `userId=${user.toLowerCase()}&ticker=EUR%2BUSD`],
    [{}, null],
    [{ side: 'BUY' }, null],
    [{ ticker: 'A', user: 'b0b0' }, null],
    [{ ticker: 'A', key: 'x' }, null],
    [{ ticker: 'A', status: 'FILLED' }, null],
  ] as const)('of %j covers %s', (filter, query) => {
    expect(manyOf({ ...noFilter, ...filter })?.toString() ?? null).toBe(query)
  })
})

describe('a ticket', () => {
  const pairs = orderTypes.flatMap((type) => timesInForceOf(type).map((timeInForce) => ({ type, timeInForce })))

  test.each(pairs)('of %j, with every field that it shows filled in, breaks no rule of presence', (kind) => {
    const filled = {
      ...emptyTicket,
      ...kind,
      ticker: 'AAPL',
      userId: 'u',
      quantity: '10',
      price: '1',
      stopPrice: '2',
      displayQuantity: '3',
    }
    const body = bodyOf({ ...filled, postOnly: true, expiresAt: '2026-12-31T21:00:00' })
    const draft = Object.fromEntries(
      [
        'userId',
        'clientOrderId',
        'ticker',
        'side',
        'type',
        'timeInForce',
        'quantity',
        'price',
        'stopPrice',
        'displayQuantity',
        'postOnly',
        'expiresAt',
      ].map((name) => [name, body[name] ?? null]),
    )
    expect(presenceFaults(draft as never)).toEqual([])
    // What it does not show would have been a fault.
    for (const name of ['price', 'stopPrice', 'displayQuantity', 'postOnly', 'expiresAt'] as const) {
      expect(fieldsOf(kind).has(name)).toBe(presenceOf(name, kind) !== 'forbidden')
      if (fieldsOf(kind).has(name)) continue
      const codes = presenceFaults({ ...draft, [name]: name === 'postOnly' ? true : 'x' } as never)
      expect(codes.map(({ term, code }) => [term, code])).toContainEqual([name, 'FORBIDDEN'])
    }
  })

  test('offers a time in force only to a type that can have it', () => {
    expect(timesInForceOf('LIMIT')).toEqual(['GTC', 'IOC', 'FOK', 'DAY', 'GTD'])
    expect(timesInForceOf('STOP')).toEqual(['GTC', 'DAY', 'GTD'])
    const immediate = { ...emptyTicket, timeInForce: 'IOC' as const }
    expect(withType(immediate, 'MARKET').timeInForce).toBe('IOC')
    expect(withType(immediate, 'STOP_LIMIT').timeInForce).toBe('GTC')
  })

  test('sends amounts as they were typed, and an instant with its zone', () => {
    const body = bodyOf({
      ...emptyTicket,
      ticker: ' aapl ',
      quantity: ' 40.250 ',
      price: '1',
      timeInForce: 'GTD',
      expiresAt: '2026-12-31T21:00',
    })
    expect(body).toMatchObject({
      ticker: 'aapl',
      quantity: '40.250',
      expiresAt: new Date('2026-12-31T21:00').toISOString(),
    })
    expect(body).not.toHaveProperty('userId')
  })

  test('has each fault at its field, and the others by themselves', () => {
    const faults = [
      { pointer: '/quantity', detail: 'must be greater than 0' },
      { pointer: '/quantity', detail: 'is wrong' },
      { pointer: 'header:Idempotency-Key', detail: 'is too long' },
    ]
    const found = faultsByField(faults, fieldsOf(emptyTicket))
    expect([...found.fields]).toEqual([['quantity', 'must be greater than 0; is wrong']])
    expect(found.others).toEqual([faults[2]!])
  })
})

describe('an event', () => {
  test('says its fill, exact, and its cause with every member', () => {
    const event = eventFromJson(
      parseExactJson(
        '{"orderId":"x","version":1,"kind":"FILLED","at":"2026-11-26T20:00:40.206Z","status":"FILLED","filledQuantity":123456789012.12345678,"remainingQuantity":0,' +
          '"fill":{"tradeId":"t","side":"BUY","quantity":0.00000001,"price":150.5,"late":true},"cause":{"kind":"trade","partition":3,"offset":"41"}}',
      ),
    )
    expect([event.filledQuantity, event.fill?.quantity, event.version]).toEqual([
      '123456789012.12345678',
      '0.00000001',
      1,
    ])
    expect(eventTitle(event)).toBe('Fill, late')
    expect(causeText(event)).toBe('by a trade · partition 3 · offset 41')
  })

  test('of a kind and a cause that are not known is shown all the same', () => {
    const event = eventFromJson({
      version: 0,
      kind: 'AMENDED',
      filledQuantity: 0,
      remainingQuantity: 1,
      cause: { kind: 'desk' },
    })
    expect([eventTitle(event), causeText(event)]).toEqual(['AMENDED', 'desk'])
  })
})

describe('the table', () => {
  test.each([
    ['ArrowDown', -1, 0],
    ['ArrowDown', 9, 9],
    ['ArrowUp', 0, 0],
    ['PageDown', 2, 6],
    ['PageUp', 2, 0],
    ['End', 0, 9],
    ['Home', 5, 0],
    ['x', 5, undefined],
  ])('%s leads from %d to %s', (key, at, to) => {
    expect(rowAfterKey(key, at, { count: 10, page: 4 })).toBe(to)
    expect(rowAfterKey(key, -1, { count: 0, page: 4 })).toBeUndefined()
  })

  test('has fewer columns the narrower it is, and those that matter always', () => {
    const names = (width: number) => columnsFor(width).map(({ id }) => id)
    expect(names(330)).toEqual(['ticker', 'side', 'status', 'filledQuantity', 'quantity', 'price'])
    expect(names(480)).toEqual(['ticker', 'side', 'quantity', 'price', 'filledQuantity', 'status'])
    expect(names(2_560)).toHaveLength(12)
  })

  test('shows the first four on a phone, whatever amounts come after them', () => {
    const columns = columnsFor(345)
    const inView = columns.filter(({ beyond }) => beyond !== true)
    expect(inView.map(({ id }) => id)).toEqual(['ticker', 'side', 'status', 'filledQuantity'])
    // Beside them is room at both ends, of 8 px each.
    expect(inView.reduce((sum, { least }) => sum + least, 16)).toBeLessThanOrEqual(345)
    expect(tracksOf(columns.slice(2), [82, 96, 76, 114])).toBe(
      '82px minmax(96px, 1fr) minmax(76px, 76px) minmax(114px, 114px)',
    )
  })

  test('is as wide as its longest amount, and shares what room is left', () => {
    const [ticker, , , price] = columnsFor(480)
    expect(leastWidth(price!, 3)).toBe(price!.least)
    expect(leastWidth(price!, '68123.45678901'.length)).toBe(114)
    expect(tracksOf([ticker!, price!], [60, 200])).toBe('minmax(60px, 132px) minmax(200px, 200px)')
    expect(tracksOf(columnsFor(2_560).slice(-2), [84, 96])).toBe('minmax(84px, 290px) minmax(96px, 1fr)')
  })
})
