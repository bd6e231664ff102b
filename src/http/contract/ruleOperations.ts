// The routes of the rules of business.

import { InstrumentPage, RuleChange, RuleChangePage, TradingAnswer } from '../rules/answers.ts'
import { PutInstrument, PutTrading } from '../rules/decode.ts'
import { changesQuery, deletionQuery, instrumentsQuery, oneTicker, tradingQuery } from '../rules/query.ts'
import { bodyRefusals, storeRefusals, writeRefusals, type OperationContract } from './operation.ts'

const badQuery = { description: 'A parameter is missing, invalid or unknown.' }
const notListed = { description: 'The ticker is not listed.' }

const changeRefusals = {
  ...writeRefusals,
  OVERLOADED: {
    ...writeRefusals.OVERLOADED,
    description: 'Nothing was changed: orders that are being stored hold the rules, or Postgres is away. Try again.',
  },
  OUTCOME_UNKNOWN: {
    description: 'The answer of the database was lost or late: the change may have been made. Send it again.',
  },
}

const changed = {
  description: 'The change, which is committed: from now on no replica accepts an order by the rules of before.',
  body: RuleChange,
}

const forAll = {
  tag: 'Rules',
  needs: 'store',
  audience: 'everybody',
  isYoung: true,
} as const

export const ruleOperations = {
  listInstruments: {
    ...forAll,
    method: 'GET',
    path: '/instruments',
    access: 'orders:read',
    summary: 'List the instruments with their limits, by ticker',
    description: 'Where a limit is null, that of GET /trading holds.',
    query: instrumentsQuery.schema,
    answers: { 200: { description: 'A page; of the ticker alone, where the query names one.', body: InstrumentPage } },
    refusals: { ...storeRefusals, BAD_REQUEST: badQuery, NOT_FOUND: notListed },
  },
  putInstrument: {
    ...forAll,
    method: 'PUT',
    path: '/instruments',
    access: 'orders:admin',
    summary: 'List a ticker, and replace its limits',
    description:
      'A limit that is null or left out is none, and then that of GET /trading holds. It never changes whether the ticker is halted. ' +
      'New orders are judged by it; those that were accepted before stay.',
    query: oneTicker.schema,
    body: PutInstrument,
    answers: { 200: changed },
    refusals: {
      ...changeRefusals,
      ...bodyRefusals,
      BAD_REQUEST: { description: 'A parameter or a member is missing, invalid or unknown.' },
    },
  },
  deleteInstrument: {
    ...forAll,
    method: 'DELETE',
    path: '/instruments',
    access: 'orders:admin',
    summary: 'Delist a ticker, with its limits',
    description:
      'With INSTRUMENTS=listed, its new orders are refused from now on. Who and why are parameters, because not every proxy lets the body ' +
      'of a DELETE through.',
    query: deletionQuery.schema,
    answers: { 200: changed },
    refusals: { ...changeRefusals, BAD_REQUEST: badQuery, NOT_FOUND: notListed },
  },
  readTrading: {
    ...forAll,
    method: 'GET',
    path: '/trading',
    access: 'orders:read',
    summary: 'Say whether trading is halted, and which limits hold where a ticker has none',
    query: tradingQuery.schema,
    answers: { 200: { description: 'Of all tickers, or of the one that the query names.', body: TradingAnswer } },
    refusals: { ...storeRefusals, BAD_REQUEST: badQuery },
  },
  putTrading: {
    ...forAll,
    method: 'PUT',
    path: '/trading',
    access: 'orders:admin',
    summary: 'Halt or resume trading, in all tickers or in one',
    description:
      'Once the answer of a halt has left, no replica accepts an order that it forbids, and no stop triggers; cancels always pass. A ticker ' +
      'trades only where it is ACTIVE and all trading is. `cancelOpen` cancels what is open when the halt begins, soon after the answer, ' +
      'whatever becomes of this replica. Without `ticker`, `limits` replaces the limits of tickers that have none of their own.',
    query: tradingQuery.schema,
    body: PutTrading,
    answers: { 200: changed },
    refusals: {
      ...changeRefusals,
      ...bodyRefusals,
      BAD_REQUEST: { description: 'A parameter or a member is missing, invalid or unknown.' },
    },
  },
  listRuleChanges: {
    ...forAll,
    method: 'GET',
    path: '/rules/changes',
    access: 'orders:admin',
    summary: 'List who changed which rule, when and why, newest first',
    query: changesQuery.schema,
    answers: { 200: { description: 'A page.', body: RuleChangePage } },
    refusals: { ...storeRefusals, BAD_REQUEST: badQuery },
  },
} as const satisfies Record<string, OperationContract>
