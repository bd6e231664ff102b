// What the published contract says of the messages that come in from the engine, and of their dead letters.

import type { Topics } from '../topics.ts'
import {
  bareReportExample,
  deadLetterExample,
  legExample,
  redrivenExample,
  reportExample,
  reportLetterExample,
  tradeExample,
} from './examples.ts'

export type Json = Record<string, unknown>

export type Message = {
  title: string
  summary: string
  headers: string
  payload: string | Json
  contentType?: string
  key: Json
  examples: Json[]
}

/** `messages`: their names. */
export type Channel = { address: string; title: string; description: string; messages: readonly string[] }

/** `group`: which of the settings names the consumer group. */
export type Operation = {
  action: 'send' | 'receive'
  channel: string
  summary: string
  group?: 'group' | 'reportGroup'
}

/** The topics of reports where the engine sends none: their usual names. */
const usualReportTopics = { reports: 'order.report.v1', letters: 'order.report.v1.dlq' }

/** What dead letters of all topics have in common. */
const letter = {
  headers: 'DeadLetterHeaders',
  payload: { description: 'The bytes as received; none where `x-left-out` names `value`.' },
  contentType: 'application/octet-stream',
  key: {
    description:
      'As received; none where the message had none or `x-left-out` names `key`; where `x-added` names it, none of the message.',
  },
}

export const inboundMessages: Record<string, Message> = {
  tradeExecuted: {
    title: 'Trade executed',
    summary: 'A trade between two orders, each leg of which is applied exactly once.',
    headers: 'TradeHeaders',
    payload: 'TradeExecuted',
    key: { type: 'string', description: 'The ticker: trades of one order have to share a partition.' },
    examples: [tradeExample, redrivenExample],
  },
  tradeLegExecuted: {
    title: 'Trade executed, one leg',
    summary: 'The same for one order alone.',
    headers: 'TradeHeaders',
    payload: 'TradeLegExecuted',
    key: { type: 'string', description: 'The ticker: trades of one order have to share a partition.' },
    examples: [legExample],
  },
  orderReport: {
    title: 'Order report',
    summary: 'The engine ended an order by itself: it rejected it, canceled what remained, or let it expire.',
    headers: 'ReportHeaders',
    payload: 'OrderReport',
    key: { type: 'string', description: 'The ticker: reports of one order have to share a partition.' },
    examples: [reportExample, bareReportExample],
  },
  reportDeadLetter: {
    title: 'Dead letter of a report',
    summary: 'A report that cannot be decoded or names no order here.',
    ...letter,
    examples: [reportLetterExample],
  },
  deadLetter: {
    title: 'Dead letter',
    summary: 'A trade that cannot be decoded or names no order here.',
    ...letter,
    examples: [deadLetterExample],
  },
}

export const inboundChannels = (topics: Topics): Record<string, Channel> => ({
  tradeExecuted: {
    address: topics.trades,
    title: 'Trades',
    description: 'What the matching engine reports, in either of two forms.',
    messages: ['tradeExecuted', 'tradeLegExecuted'],
  },
  deadLetters: {
    address: topics.deadLetters,
    title: 'Dead letters',
    description: 'Trades that were not applied, with the reason in their headers; the partition goes on without them.',
    messages: ['deadLetter'],
  },
  orderReport: {
    address: topics.reports ?? usualReportTopics.reports,
    title: 'Reports',
    description:
      'What the matching engine says of orders that it ended itself; read where ENGINE_FEATURES has reports.',
    messages: ['orderReport'],
  },
  reportDeadLetters: {
    address: topics.reportLetters ?? usualReportTopics.letters,
    title: 'Dead letters of reports',
    description: 'Reports that were not applied, with the reason in their headers; the partition goes on without them.',
    messages: ['reportDeadLetter'],
  },
})

export const inboundOperations: Record<string, Operation> = {
  applyTrade: { action: 'receive', channel: 'tradeExecuted', summary: 'Applies the legs of a trade.', group: 'group' },
  sendDeadLetter: { action: 'send', channel: 'deadLetters', summary: 'Sets a trade aside that cannot be applied.' },
  readDeadLetters: { action: 'receive', channel: 'deadLetters', summary: '`orders redrive` reads them, in no group.' },
  applyReport: {
    action: 'receive',
    channel: 'orderReport',
    summary: 'Ends what the engine ended.',
    group: 'reportGroup',
  },
  sendReportDeadLetter: {
    action: 'send',
    channel: 'reportDeadLetters',
    summary: 'Sets a report aside that cannot be applied.',
  },
  readReportDeadLetters: {
    action: 'receive',
    channel: 'reportDeadLetters',
    summary: '`orders redrive --reports` reads them, in no group.',
  },
  redriveReport: {
    action: 'send',
    channel: 'orderReport',
    summary: '`orders redrive --reports` sends them as reports again.',
  },
  redriveTrade: { action: 'send', channel: 'tradeExecuted', summary: '`orders redrive` sends them as trades again.' },
}
