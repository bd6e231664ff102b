// The routes of the rules of business: instruments with their limits, halts, and the list of all changes.

import type { BatchRefusal } from '../../app/batcher.ts'
import type { ChangeResult } from '../../app/changeRules.ts'
import { readBody } from '../exchange/body.ts'
import { encodeCursor } from '../exchange/cursor.ts'
import type { Decoded } from '../exchange/decode.ts'
import type { Answer, Exchange, Handler } from '../exchange/exchange.ts'
import { invalid, problem, refused, type Problem } from '../exchange/problem.ts'
import { limitDefault } from '../exchange/query.ts'
import { json, searchOf } from '../exchange/reply.ts'
import type { RouteOptions } from '../orders/options.ts'
import { instrumentPageJson, ruleChangeJson, ruleChangePageJson, tickerTradingJson, tradingJson } from './answers.ts'
import { decodeInstrument, decodeTrading } from './decode.ts'
import { changesQuery, deletionQuery, instrumentsQuery, oneTicker, tradingQuery } from './query.ts'

const notAdmin = (): Problem => problem('FORBIDDEN', 'rules are changed by callers with the scope orders:admin')

export const notListed = (ticker: string): Problem => problem('NOT_FOUND', `${ticker} is not listed`)

const badQuery = (query: Extract<Decoded<unknown>, { ok: false }>): Problem => invalid('Invalid query', query.faults)

/** What a change came to. `ticker`: the one that may not be listed. */
const changeAnswer = (result: ChangeResult | { ok: false; code: 'FORBIDDEN' } | BatchRefusal, ticker = ''): Answer => {
  if (result.ok) return json(200, ruleChangeJson(result.change))
  switch (result.code) {
    case 'FORBIDDEN':
      return notAdmin()
    case 'NOT_FOUND':
      return notListed(ticker)
    case 'OVERLOADED':
    case 'OUTCOME_UNKNOWN':
    case 'INTERNAL':
      return refused(result.code)
  }
}

/** Reads the body of a change, and answers what `answer` makes of it. */
const withBody = async <T>(
  { request }: Exchange,
  { bodyMaxBytes, bodyDeadlineMs }: RouteOptions,
  { decode, answer }: { decode: (text: string) => Decoded<T>; answer: (value: T) => Promise<Answer> },
): Promise<Answer> => {
  const body = await readBody(request, { bytesMax: bodyMaxBytes, deadlineMs: bodyDeadlineMs })
  if (!body.ok) return body.problem
  const decoded = decode(body.text)
  return decoded.ok ? answer(decoded.value) : invalid('Invalid rule', decoded.faults)
}

const listInstruments = async (exchange: Exchange, { service }: RouteOptions): Promise<Answer> => {
  const query = instrumentsQuery.read(searchOf(exchange.request), 'refuse')
  if (!query.ok) return badQuery(query)
  const { ticker, cursor: after, limit = limitDefault } = query.value
  const page = await service.instruments(exchange, { ticker, after }, limit)
  if (!page.ok) return refused(page.code)
  if (ticker !== undefined && page.items.length === 0) return notListed(ticker)
  return json(200, instrumentPageJson(page.items, encodeCursor('instrument', page.next)))
}

const putInstrument = async (exchange: Exchange, options: RouteOptions): Promise<Answer> => {
  const query = oneTicker.read(searchOf(exchange.request), 'refuse')
  if (!query.ok) return badQuery(query)
  return withBody(exchange, options, {
    decode: decodeInstrument,
    answer: async (put) => changeAnswer(await options.service.putInstrument(exchange, query.value.ticker, put)),
  })
}

const deleteInstrument = async (exchange: Exchange, { service }: RouteOptions): Promise<Answer> => {
  const query = deletionQuery.read(searchOf(exchange.request), 'refuse')
  if (!query.ok) return badQuery(query)
  const { ticker, ...statement } = query.value
  return changeAnswer(await service.deleteInstrument(exchange, ticker, statement), ticker)
}

const readTrading = async (exchange: Exchange, { service }: RouteOptions): Promise<Answer> => {
  const query = tradingQuery.read(searchOf(exchange.request), 'refuse')
  if (!query.ok) return badQuery(query)
  const { ticker } = query.value
  if (ticker === undefined) {
    const all = await service.trading(exchange)
    return all.ok ? json(200, tradingJson(all.trading)) : refused(all.code)
  }
  const one = await service.tickerTrading(exchange, ticker)
  return one.ok ? json(200, tickerTradingJson(one.trading)) : refused(one.code)
}

const putTrading = async (exchange: Exchange, options: RouteOptions): Promise<Answer> => {
  const query = tradingQuery.read(searchOf(exchange.request), 'refuse')
  if (!query.ok) return badQuery(query)
  return withBody(exchange, options, {
    decode: (text) => decodeTrading(text, query.value.ticker),
    answer: async ({ change, statement }) =>
      changeAnswer(await options.service.changeTrading(exchange, change, statement)),
  })
}

const listChanges = async (exchange: Exchange, { service }: RouteOptions): Promise<Answer> => {
  const query = changesQuery.read(searchOf(exchange.request), 'refuse')
  if (!query.ok) return badQuery(query)
  const { cursor: before, limit = limitDefault } = query.value
  const page = await service.rulesChanges(exchange, before, limit)
  if (page.ok) return json(200, ruleChangePageJson(page.items, encodeCursor('ruleChange', page.next)))
  return page.code === 'FORBIDDEN' ? notAdmin() : refused(page.code)
}

export const ruleHandlers = (options: RouteOptions) =>
  ({
    listInstruments: (exchange) => listInstruments(exchange, options),
    putInstrument: (exchange) => putInstrument(exchange, options),
    deleteInstrument: (exchange) => deleteInstrument(exchange, options),
    readTrading: (exchange) => readTrading(exchange, options),
    putTrading: (exchange) => putTrading(exchange, options),
    listRuleChanges: (exchange) => listChanges(exchange, options),
  }) satisfies Record<string, Handler>
