// The messages of order.event.v1 as `orders verify` reads them, and what differs between one of them and the log. Reading is total.

import { formatAmount } from '../domain/decimal.ts'
import type { HistoryEvent } from '../domain/history.ts'
import { canonicalUuid } from '../domain/ids.ts'
import type { Malformed } from '../kafka/decoding.ts'
import { eventHeaders } from '../kafka/eventHeaders.ts'
import { headerOf, type TopicRecord } from '../kafka/topicReader.ts'
import { Event, writeEvent } from '../wire/event.ts'
import { amountOrZeroFromJson, numberText, parseExactJson, toExactJson } from '../wire/json.ts'
import { Order } from '../wire/order.ts'
import { printable } from './eventTerms.ts'

/** `value`: the text as received, `parsed` what it says. */
export type LogMessage = {
  orderId: string
  version: number
  key: string
  value: string
  parsed: Members
  partition: number
  offset: bigint
}

type Members = Readonly<Record<string, unknown>>
const isObject = (value: unknown): value is Members =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const malformed = (reason: string): Malformed => ({ malformed: reason })

const eventIdForm = /^([0-9a-f-]{36})\.(0|[1-9]\d{0,8})$/

const parse = (text: string): unknown => {
  try {
    return parseExactJson(text)
  } catch {
    return null
  }
}

export const decodeLogMessage = (record: TopicRecord): LogMessage | Malformed => {
  const [, id = '', version] = eventIdForm.exec(headerOf(record, eventHeaders.eventId) ?? '') ?? []
  const orderId = canonicalUuid(id)
  if (orderId === null || version === undefined)
    return malformed('the header eventId is not the id of an order and a version')
  const value = record.value?.toString() ?? ''
  const parsed = parse(value)
  if (!isObject(parsed) || !isObject(parsed['event']) || !isObject(parsed['order']))
    return malformed('is no JSON object with event and order')
  const { partition, offset } = record
  const key = printable(record.key?.toString() ?? '')
  return { orderId, version: Number(version), key, value, parsed, partition, offset }
}

/** In the form in which equal values are alike. Null: the value says nothing, as if the member were left out. */
const scaled = (value: unknown): string | null => {
  if (value === null || value === undefined || value === false) return null
  if (typeof value === 'string') return printable(value)
  if (numberText(value) === null) return toExactJson(value)
  const parsed = amountOrZeroFromJson(value)
  return parsed.ok ? formatAmount(parsed.amount) : numberText(value)
}

const isPlain = (value: unknown): value is Members => isObject(value) && numberText(value) === null

/** Every value that is no object, by its path. */
const leavesOf = (value: Members, path = ''): [path: string, value: string][] =>
  Object.entries(value).flatMap(([name, member]): [string, string][] => {
    if (isPlain(member)) return leavesOf(member, `${path}${name}.`)
    const text = scaled(member)
    return text === null ? [] : [[`${path}${name}`, text]]
  })

/** Members that this version knows. Newer ones may have more, and readers pass over what they do not know. */
const known = new Set([
  ...Object.keys(Event.properties).map((name) => `event.${name}`),
  ...Object.keys(Order.properties).map((name) => `order.${name}`),
])
const isKnown = (path: string): boolean => known.has(path.split('.', 2).join('.'))

/** 1.3 did not write these members of an order. */
const isOlder = (path: string, order: Members): boolean => path.startsWith('order.reason.') && !('reason' in order)

type Difference = { rule: string; expected: string | null; found: string | null }

/** What a message says of its event and its order, against what the log says. */
export const differencesOf = ({ key, value, parsed }: LogMessage, event: HistoryEvent): Difference[] => {
  const { ticker } = event.order
  const differences: Difference[] = key === ticker ? [] : [{ rule: 'key', expected: ticker, found: key }]
  const text = writeEvent(event)
  if (value === text) return differences
  const expected = new Map(leavesOf(parseExactJson(text) as Members))
  const found = new Map(leavesOf(parsed))
  const order = parsed['order'] as Members
  for (const path of new Set([...expected.keys(), ...found.keys()])) {
    const [own, its] = [expected.get(path) ?? null, found.get(path) ?? null]
    if (own !== its && isKnown(path) && !isOlder(path, order))
      differences.push({ rule: path, expected: own, found: its })
  }
  return differences
}
