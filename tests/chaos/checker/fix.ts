// Checks sessions of FIX from the firms' own stores: each event of each order that came through a session was reported to it once, in order and
// as the log has it; a number that came again was the same message; each order and each cancel was answered once.

import { JsonNumber, numberOf } from './amounts.ts'
import { average, remaining } from './eventContent.ts'
import type { Evidence, FixEvidence, FixFields, Report } from './evidence.ts'
import type { Entry, History } from './history.ts'

export type FixCounts = {
  sessions: number
  sent: number
  reports: number
  otherAnswers: number
  /** Messages that came again. */
  resent: number
}

type Reading = {
  name: string
  origin: string
  histories: ReadonlyMap<string, History>
  counts: FixCounts
  report: Report
}

/** What is another one each time that a message is sent: its length and sum, PossDup, and its times of sending. */
const volatile: ReadonlySet<string> = new Set(['9', '10', '43', '52', '122'])
const lasting = (fields: FixFields): string =>
  JSON.stringify(Object.entries(fields).filter(([tag]) => !volatile.has(tag)))

const execTypes: Readonly<Record<string, string>> = {
  ACCEPTED: '0',
  REJECTED: '8',
  FILLED: 'F',
  TRIGGERED: 'L',
  CANCELED: '4',
  EXPIRED: 'C',
}
const statuses: Readonly<Record<string, string>> = {
  NEW: '0',
  PARTIALLY_FILLED: '1',
  FILLED: '2',
  CANCELED: '4',
  REJECTED: '8',
  EXPIRED: 'C',
}

const amount = (text: string | undefined): bigint | null => (text === undefined ? null : numberOf(new JsonNumber(text)))

const eventOf = (fields: FixFields): { id: string; version: number } | null => {
  const [, id, version] = /^([0-9a-f-]{36})\.(\d+)$/.exec(fields['17'] ?? '') ?? []
  return fields['35'] === '8' && id !== undefined ? { id, version: Number(version) } : null
}

/** The ClOrdIDs that a report of this entry has: of the cancel request that it answers, or the order's. */
const idsOf = ({ order }: History, { cause, change }: Entry): [string | null, string | null] =>
  change?.reasonCode === 'USER_CANCELED' && cause['kind'] === 'fix'
    ? [String(cause['requestId']), order.key]
    : [order.key, null]

/** The tags that are not as the log has it. */
const differences = (fields: FixFields, history: History, entry: Entry): string[] => {
  const { order } = history
  const [clOrdId, origClOrdId] = idsOf(history, entry)
  const texts: Record<string, string | null> = {
    37: order.id,
    11: clOrdId,
    41: origClOrdId,
    55: order.ticker,
    54: order.side === 'BUY' ? '1' : '2',
    150: execTypes[entry.kind]!,
    39: statuses[entry.status]!,
    ...(entry.fill === null ? {} : { 527: entry.fill.tradeId }),
  }
  const amounts: Record<string, bigint | null> = {
    38: order.quantity,
    14: entry.filled,
    151: remaining(order, entry),
    6: average(entry) ?? 0n,
    32: entry.fill?.quantity ?? null,
    31: entry.fill?.price ?? null,
  }
  return [
    ...Object.entries(texts).filter(([tag, text]) => (fields[tag] ?? null) !== text),
    ...Object.entries(amounts).filter(([tag, value]) => amount(fields[tag]) !== value),
  ].map(([tag]) => tag)
}

const checkReports = (reading: Reading, messages: ReadonlyMap<number, FixFields>): void => {
  const { name, origin, histories, counts, report } = reading
  const told = new Map<string, number>()
  for (const [number, fields] of [...messages].toSorted(([left], [right]) => left - right)) {
    const event = eventOf(fields)
    if (event === null) continue
    counts.reports++
    const history = histories.get(event.id)
    const entry = history?.entries[event.version]
    const what = `${name}, message ${number}: version ${event.version} of order ${event.id}`
    if (history === undefined || entry === undefined || history.order.origin !== origin) {
      report('FIX_REPORT_FROM_NOWHERE', `${what}, which is not the session's or not there`)
      continue
    }
    const before = told.get(event.id) ?? -1
    if (event.version <= before) report('FIX_REPORT_TWICE', `${what} came after version ${before}`)
    else if (event.version > before + 1) report('FIX_REPORT_ORDER', `${what} came after version ${before}`)
    told.set(event.id, Math.max(before, event.version))
    const differing = differences(fields, history, entry)
    if (differing.length > 0) report('FIX_REPORT_DIFFERS', `${what}: ${differing.join(', ')} are not as the log has it`)
  }
  for (const { order, entries } of histories.values()) {
    const last = told.get(order.id) ?? -1
    if (order.origin === origin && last + 1 < entries.length)
      report(
        'FIX_REPORT_MISSING',
        `${name}: nothing came of order ${order.id} after version ${last} of ${entries.length - 1}`,
      )
  }
}

/** By key and kind: how often it was asked for, and answered. A refusal by number (3, j) answers the message of that number. */
const checkAnswers = (
  { name, counts, report }: Reading,
  sent: ReadonlyMap<number, { type: string; key: string }>,
  messages: ReadonlyMap<number, FixFields>,
): void => {
  const balance = new Map<string, number>()
  const add = (key: string, by: number): void => void balance.set(key, (balance.get(key) ?? 0) + by)
  for (const { key } of sent.values()) add(key, 1)
  for (const fields of messages.values()) {
    const key = fields['11'] ?? ''
    const type = fields['35'] ?? ''
    if (type === '8') {
      const event = eventOf(fields)
      if (event === null || event.version === 0 || fields['41'] !== undefined) add(key, -1)
      if (event === null) counts.otherAnswers++
    } else {
      counts.otherAnswers++
      add(type === '9' ? key : (sent.get(Number(fields['45']))?.key ?? ''), -1)
    }
  }
  for (const [key, left] of balance) {
    if (left > 0) report('FIX_UNANSWERED', `${name}: ${left} of ${key} were not answered`)
    if (left < 0) report('FIX_ANSWERED_TWICE', `${name}: ${-left} answers to ${key} that nobody asked for`)
  }
}

const checkSession = ({ lines, drained }: FixEvidence, reading: Reading): void => {
  const { name, counts, report } = reading
  // Of two lines with one number the firm kept the later.
  const sent = new Map<number, { type: string; key: string }>()
  const messages = new Map<number, FixFields>()
  for (const line of lines) {
    if ('sent' in line) {
      sent.set(line.sent, line)
      continue
    }
    const number = Number(line.received['34'])
    const before = messages.get(number)
    if (before === undefined) messages.set(number, line.received)
    else {
      counts.resent++
      if (lasting(before) !== lasting(line.received))
        report('FIX_RESENT_DIFFERS', `${name}: message ${number} came again as another one`)
    }
  }
  counts.sent += sent.size
  if (!drained) report('FIX_NOT_DRAINED', `${name} did not come to its end`)
  checkReports(reading, messages)
  checkAnswers(reading, sent, messages)
}

export const checkFix = (
  { fix }: Pick<Evidence, 'fix'>,
  histories: ReadonlyMap<string, History>,
  report: Report,
): FixCounts => {
  const counts: FixCounts = { sessions: fix.length, sent: 0, reports: 0, otherAnswers: 0, resent: 0 }
  for (const evidence of fix)
    checkSession(evidence, {
      name: `session ${evidence.session}`,
      origin: `fix:${evidence.session}`,
      histories,
      counts,
      report,
    })
  return counts
}
