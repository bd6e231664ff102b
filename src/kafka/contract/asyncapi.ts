// The AsyncAPI document of the topics. /asyncapi.json serves it and `orders asyncapi` prints it. It lists no servers: a reader of the
// contract need not know where the brokers are.

import type { TSchema } from '@sinclair/typebox'
import { eventKinds, type EventKind } from '../../domain/events.ts'
import { tickerForm } from '../../domain/patterns.ts'
import type { Topics } from '../topics.ts'
import { eventMessages } from './eventMessages.ts'
import { eventExample } from './examples.ts'
import {
  inboundChannels,
  inboundMessages,
  inboundOperations,
  type Channel,
  type Json,
  type Message,
  type Operation,
} from './inbound.ts'
import { logExample, logHeadersSchema, LogValue, usualLogTopic } from './logMessage.ts'
import {
  DeadLetterHeaders,
  eventHeadersSchema,
  eventValueSchema,
  OrderReport,
  ReportHeaders,
  TradeExecuted,
  TradeHeaders,
  TradeLegExecuted,
} from './messages.ts'

/** `group`, `reportGroup`: the consumer groups that read trades and reports. */
export type AsyncApiOptions = { version: string; topics: Topics; group: string; reportGroup: string; ceSource: string }

const bindingVersion = '0.5.0'
const json = 'application/json'

const introduction = `The topics of the service that keeps the life of an order.

Values are JSON; amounts are exact decimals, written as JSON numbers: read them with a decimal parser. The key is the ticker, and the
partition the one that the Java client chooses (murmur2). Events are published at least once, after the commit, in order of
acceptance for one ticker: **dedupe on the header \`eventId\`**. A cancellation is sent after its placement was acknowledged, but they
are different topics: remember a cancellation that you read first. New members and headers may come within a major version: ignore
what you do not know.`

const schemaRef = (name: string) => ({ $ref: `#/components/schemas/${name}` })
/** Names of components are for the OpenAPI document. */
const plain = (schema: TSchema): unknown =>
  JSON.parse(JSON.stringify(schema, (key, value: unknown) => (key === 'component' ? undefined : value)))

const messageOf = ({ title, summary, headers, payload, contentType = json, key, examples }: Message, name: string) => ({
  name,
  title,
  summary,
  contentType,
  headers: schemaRef(headers),
  payload: typeof payload === 'string' ? schemaRef(payload) : payload,
  bindings: { kafka: { key, bindingVersion } },
  examples,
})

const ticker = { type: 'string', pattern: tickerForm.stored, description: 'The ticker.' }

/** An entry for each kind of event, under the name that the contract gives the kind. */
const entriesByKind = <T>(entryOf: (kind: EventKind) => T): Record<string, T> =>
  Object.fromEntries(eventKinds.map((kind) => [eventMessages[kind].name, entryOf(kind)]))

/** The name of a kind's schema: `OrderPlaced` for `orderPlaced`. */
const schemaName = (kind: EventKind): string => {
  const { name } = eventMessages[kind]
  return name[0]!.toUpperCase() + name.slice(1)
}

const messages = ({ ceSource }: AsyncApiOptions): Record<string, Message> => ({
  ...entriesByKind((kind) => ({
    title: eventMessages[kind].title,
    summary: eventMessages[kind].summary,
    headers: `${schemaName(kind)}Headers`,
    payload: schemaName(kind),
    key: ticker,
    examples: [eventExample(kind, ceSource)],
  })),
  orderEvent: {
    title: 'Order event',
    summary: 'Anything that happened to an order, and how it left the order.',
    headers: 'OrderEventHeaders',
    payload: 'OrderEvent',
    key: ticker,
    examples: [logExample(ceSource)],
  },
  ...inboundMessages,
})

const channels = ({ topics }: AsyncApiOptions): Record<string, Channel> => ({
  ...entriesByKind((kind) => {
    const { name, channel } = eventMessages[kind]
    return { address: topics.events[kind], ...channel, messages: [name] }
  }),
  orderEvent: {
    address: topics.orderEvents ?? usualLogTopic,
    title: 'Events of orders',
    description:
      'Everything that happens to every order, each version once or more; only where KAFKA_TOPIC_ORDER_EVENT names the topic.',
    messages: ['orderEvent'],
  },
  ...inboundChannels(topics),
})

const operations: Record<string, Operation> = {
  ...Object.fromEntries(
    eventKinds.map((kind): [string, Operation] => {
      const { name, operation } = eventMessages[kind]
      return [`publish${schemaName(kind)}`, { action: 'send', channel: name, summary: operation }]
    }),
  ),
  publishOrderEvent: { action: 'send', channel: 'orderEvent', summary: 'Publishes the log of all orders.' },
  ...inboundOperations,
}

const mapValues = <T, R>(values: Record<string, T>, map: (value: T, name: string) => R): Record<string, R> =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [name, map(value, name)]))

const channelOf = ({ messages: names, ...rest }: Channel) => ({
  ...rest,
  messages: Object.fromEntries(names.map((name) => [name, { $ref: `#/components/messages/${name}` }])),
  bindings: { kafka: { topic: rest.address, bindingVersion } },
})

/** The document for a service with these settings. */
export const createAsyncApi = (options: AsyncApiOptions): Json => {
  const all = channels(options)
  const schemas = {
    ...Object.fromEntries(
      eventKinds.flatMap((kind): [string, TSchema][] => [
        [schemaName(kind), eventValueSchema(kind, eventMessages[kind].description)],
        [`${schemaName(kind)}Headers`, eventHeadersSchema(kind, options.ceSource)],
      ]),
    ),
    OrderEvent: LogValue,
    OrderEventHeaders: logHeadersSchema(options.ceSource),
    TradeExecuted,
    TradeLegExecuted,
    TradeHeaders,
    OrderReport,
    ReportHeaders,
    DeadLetterHeaders,
  }
  const license = { name: 'MIT' }
  return {
    asyncapi: '3.0.0',
    info: { title: 'orders', version: options.version, description: introduction, license },
    defaultContentType: json,
    channels: mapValues(all, channelOf),
    operations: mapValues(operations, ({ action, channel, summary, group }) => ({
      action,
      summary,
      channel: { $ref: `#/channels/${channel}` },
      messages: all[channel]!.messages.map((name) => ({ $ref: `#/channels/${channel}/messages/${name}` })),
      ...(group === undefined
        ? {}
        : { bindings: { kafka: { groupId: { type: 'string', enum: [options[group]] }, bindingVersion } } }),
    })),
    components: {
      messages: mapValues(messages(options), messageOf),
      schemas: mapValues<TSchema, unknown>(schemas, plain),
    },
  }
}
