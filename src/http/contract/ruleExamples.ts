// One example for every answer about the rules of business, and for every body that changes one.

import { wholeAmount } from '../../domain/decimal.ts'
import { noLimits } from '../../domain/rules.ts'
import type { Instrument } from '../../store/rulePages.ts'
import type { StoredChange } from '../../store/rules.ts'
import { invalid } from '../exchange/problem.ts'
import { instrumentPageJson, ruleChangeJson, ruleChangePageJson, tradingJson } from '../rules/answers.ts'
import { notListed } from '../rules/routes.ts'
import { badQuery, bodyProblems, notAllowed, scopeProblems, storeProblems, writeProblems } from './exampleProblems.ts'

const statement = { by: 'ops@desk', note: 'news pending' }
const at = '2026-01-02T14:30:00.000Z'
const limits = { ...noLimits, tickSize: 1_000_000n, lotSize: wholeAmount(100), notionalMax: wholeAmount(1_000_000) }

const instrument: Instrument = {
  ticker: 'AAPL',
  state: 'ACTIVE',
  limits,
  epoch: '41',
  changed: { at, by: 'ops@desk', note: 'listed' },
}

const none = '"quantityMin":null,"quantityMax":null,"referencePrice":null,"priceBandPercent":null'
const listing: StoredChange = {
  epoch: '41',
  at,
  what: 'LISTED',
  ticker: 'AAPL',
  by: 'ops@desk',
  note: 'listed',
  subject: 'ops',
  requestId: '019b7d0b-6a21-7000-8000-5d2e7f1c8b35',
  before: `{"listed":false,"limits":{"tickSize":null,"lotSize":null,"notionalMax":null,${none}}}`,
  after: `{"listed":true,"limits":{"tickSize":0.01,"lotSize":100,"notionalMax":1000000,${none}}}`,
}
const delisting: StoredChange = {
  ...listing,
  epoch: '43',
  what: 'DELISTED',
  note: 'merged',
  before: listing.after,
  after: listing.before,
}
const halt: StoredChange = {
  ...listing,
  epoch: '42',
  what: 'TRADING',
  note: statement.note,
  before: '{"state":"ACTIVE","since":null}',
  after: `{"state":"HALTED","since":"${at}","cancelOpen":true}`,
}

const changes = {
  ...scopeProblems('orders:admin'),
  ...writeProblems,
}

export const ruleExamples = {
  listInstruments: {
    ...scopeProblems('orders:read'),
    ...notAllowed('DELETE, GET, HEAD, OPTIONS, PUT'),
    ...storeProblems,
    ...badQuery,
    NOT_FOUND: () => notListed('AAPL'),
    200: () => instrumentPageJson([instrument], null),
  },
  putInstrument: {
    ...changes,
    ...bodyProblems,
    ...notAllowed('DELETE, GET, HEAD, OPTIONS, PUT'),
    200: () => ruleChangeJson(listing),
    BAD_REQUEST: () => invalid('Invalid rule', [{ pointer: '/tickSize', detail: 'must be greater than 0' }]),
  },
  deleteInstrument: {
    ...changes,
    ...notAllowed('DELETE, GET, HEAD, OPTIONS, PUT'),
    200: () => ruleChangeJson(delisting),
    BAD_REQUEST: () => invalid('Invalid query', [{ pointer: '?by', detail: 'is required' }]),
    NOT_FOUND: () => notListed('AAPL'),
  },
  readTrading: {
    ...scopeProblems('orders:read'),
    ...notAllowed('GET, HEAD, OPTIONS, PUT'),
    ...storeProblems,
    BAD_REQUEST: () => invalid('Invalid query', [{ pointer: '?ticker', detail: 'is given more than once' }]),
    200: () =>
      tradingJson({
        epoch: '42',
        all: { state: 'ACTIVE', since: null, changed: null },
        limits: noLimits,
        halted: [{ ticker: 'AAPL', state: 'HALTED', since: at, changed: { at, ...statement } }],
        haltedCount: 1,
      }),
  },
  putTrading: {
    ...changes,
    ...bodyProblems,
    ...notAllowed('GET, HEAD, OPTIONS, PUT'),
    200: () => ruleChangeJson(halt),
    BAD_REQUEST: () => invalid('Invalid rule', [{ pointer: '/cancelOpen', detail: 'needs the state HALTED' }]),
  },
  listRuleChanges: {
    ...scopeProblems('orders:admin'),
    ...notAllowed('GET, HEAD, OPTIONS'),
    ...storeProblems,
    ...badQuery,
    200: () => ruleChangePageJson([halt, listing], null),
  },
} as const

export const ruleBodies = {
  putInstrument: { example: { tickSize: 0.01, lotSize: 100, notionalMax: 1_000_000, ...statement } },
  putTrading: { example: { state: 'HALTED', cancelOpen: true, ...statement } },
} as const
