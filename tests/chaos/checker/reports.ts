// The engine's reports: every one on the topic has its row, its exception or its dead letter, and what the service says became of it fits what
// the order was. When a report met a fill is not to be seen from outside; so the order's log, by its versions, says what was filled by then.

import { amountOf, numberOf, parseExact } from './amounts.ts'
import { isInstant, isPrintable, isUuid, tickerPattern } from './decode.ts'
import type {
  Evidence,
  LetterRecord,
  Report,
  ReportContent,
  ReportExceptionRow,
  ReportRow,
  TradeRecord,
} from './evidence.ts'
import { endOf, finals, type Entry, type History } from './history.ts'
import { readPublishedAt } from './published.ts'

/** As the replicas are configured. */
const reportWaitMs = 5_000
/** Clocks of two processes of one machine. */
const clockSlackMs = 5

type Message = ReportContent & { orderId: string; reportId: string }
type Place = { partition: number; offset: number }
type Sent = { record: TradeRecord; message: Message | null }
type World = {
  evidence: Evidence
  histories: ReadonlyMap<string, History>
  /** By place on the topic. */
  sent: ReadonlyMap<string, Sent>
  /** By place on theirs. */
  trades: ReadonlyMap<string, TradeRecord>
  /** When the placement of an order was first appended; an order that is not there was not published. */
  publishedAt: ReadonlyMap<string, number>
  report: Report
}

const where = ({ partition, offset }: Place): string => `${partition}@${offset}`
const nameOf = ({ orderId, reportId }: Pick<Message, 'orderId' | 'reportId'>): string => `${orderId} ${reportId}`
const contentOf = (row: Message): string => `${nameOf(row)} ${row.kind} ${row.ticker} ${row.cumulative}`

/** 0 is lawful here: the engine may have filled nothing. */
const quantityOf = (value: unknown): bigint | null => (value === '0' || numberOf(value) === 0n ? 0n : amountOf(value))

/** A report by the letter of the contract; null: it can only be malformed. */
const decodeReport = ({ bytes }: TradeRecord): Message | null => {
  try {
    const fields = parseExact(new TextDecoder('utf-8', { fatal: true }).decode(bytes!)) as Record<string, unknown>
    const { reportId, orderId, kind, ticker, reason = null, cumulativeQuantity = null } = fields
    const cumulative = cumulativeQuantity === null ? null : quantityOf(cumulativeQuantity)
    if (typeof reportId !== 'string' || !isPrintable(reportId) || typeof orderId !== 'string') return null
    if (typeof ticker !== 'string' || !tickerPattern.test(ticker)) return null
    if (typeof kind !== 'string' || !['REJECTED', 'CANCELED', 'EXPIRED'].includes(kind)) return null
    if ((reason !== null && typeof reason !== 'string') || !isInstant(fields['timestamp'])) return null
    if (cumulativeQuantity !== null && cumulative === null) return null
    const id = isUuid(orderId) ? orderId.toLowerCase() : orderId
    return { reportId, orderId: id, kind, ticker: ticker.toUpperCase(), cumulative }
  } catch {
    return null
  }
}

const sameBytes = (a: Uint8Array | null, b: Uint8Array | null): boolean =>
  a === null || b === null ? a === b : Buffer.compare(a, b) === 0

/** Each report that names no order of ours, and nothing else, has a dead letter with its bytes. */
const checkLetters = ({ evidence, histories, sent, report }: World): void => {
  const letters = new Map<string, LetterRecord>()
  for (const letter of evidence.reportLetters) letters.set(letter.headers['x-dead-letter-id'] ?? '', letter)
  for (const [place, { record, message }] of sent) {
    const letter = letters.get(`${evidence.reportTopic}-${place}`.replace('@', '-'))
    const isKnown = message !== null && histories.has(message.orderId)
    if ((letter !== undefined) === isKnown)
      report('REPORT_WITHOUT_DISPOSITION', `report ${place}: a dead letter: ${letter !== undefined}`)
    if (letter === undefined || isKnown) continue
    const disposition = message === null ? 'MALFORMED' : 'UNKNOWN_ORDER'
    if (letter.headers['x-disposition'] !== disposition || !sameBytes(letter.bytes, record.bytes))
      report(
        'REPORT_DIFFERS',
        `report ${place}: the letter says ${letter.headers['x-disposition']}, or has other bytes`,
      )
  }
}

/** A copy of a report may stand for it. */
const checkPresence = ({ evidence, histories, sent, report }: World): void => {
  const kept = new Set([...evidence.reportRows, ...evidence.reportExceptions].map(contentOf))
  for (const [place, { message }] of sent)
    if (message !== null && histories.has(message.orderId) && !kept.has(contentOf(message)))
      report('REPORT_WITHOUT_DISPOSITION', `report ${place} of order ${message.orderId}`)
}

/** The fills that came late though they stood on their topic before this moment. */
const lateBefore = ({ entries }: History, trades: ReadonlyMap<string, TradeRecord>, moment: number): Entry[] =>
  entries.filter(
    ({ fill }) =>
      fill !== null && fill.late && (trades.get(where(fill))?.appendedAt ?? Infinity) + clockSlackMs < moment,
  )

/** What is wrong with a report that ended its order; null: nothing. */
const enderFault = (row: ReportRow, history: History, sentAt: number, world: World): string | null => {
  const { publishedAt, trades } = world
  const end = endOf(history)
  const isIts = end?.cause['partition'] === row.partition && end.cause['offset'] === String(row.offset)
  if (end === undefined || !isIts || end.change!.reasonCode !== `ENGINE_${row.kind}`)
    return `the order ended by ${JSON.stringify(end?.cause)}, ${end?.change?.reasonCode}`
  if (!publishedAt.has(row.orderId)) return 'the order was never published'
  if (row.state === 'APPLIED') {
    if (row.cumulative !== null && row.cumulative !== end.filled)
      return `it counts ${row.cumulative}, and ${end.filled} was filled`
    const isUnseen = row.cumulative === null && row.kind !== 'REJECTED'
    return isUnseen && lateBefore(history, trades, sentAt).length > 0 ? 'fills that stood before it came late' : null
  }
  if (row.cumulative === null || row.cumulative <= end.filled) return `nothing was missing of ${row.cumulative}`
  if (end.at + clockSlackMs < sentAt + reportWaitMs) return `it waited ${end.at - sentAt} ms`
  return lateBefore(history, trades, sentAt + reportWaitMs).length > 0 ? 'fills that it waited for came late' : null
}

/** Whether the contract has a reason to refuse the report, at some moment of the order's life. */
const mayMismatch = (message: Message, { order }: History, sentAt: number, { publishedAt }: World): boolean =>
  message.ticker !== order.ticker ||
  (message.kind === 'REJECTED' && (order.filled > 0n || (message.cumulative ?? 0n) > 0n)) ||
  (publishedAt.get(order.id) ?? Infinity) > sentAt ||
  (message.cumulative !== null && message.cumulative < order.filled)

const rowFault = (row: ReportRow, history: History, sentAt: number, world: World): string | null => {
  switch (row.state) {
    case 'APPLIED':
    case 'INCOMPLETE':
      return enderFault(row, history, sentAt, world)
    case 'STALE':
      return finals.has(history.order.status) ? null : `the order is ${history.order.status}`
    case 'MISMATCH':
      return mayMismatch(row, history, sentAt, world) ? null : 'nothing contradicts it'
    default:
      return 'it has come to nothing'
  }
}

type Rows = ReadonlyMap<string, ReportRow>

const exceptionFault = (kept: ReportExceptionRow, history: History, { record }: Sent, world: World, rows: Rows) => {
  const row = rows.get(nameOf(kept))
  const isSame = row !== undefined && contentOf(row) === contentOf(kept)
  if (!sameBytes(kept.message, record.bytes)) return 'it has other bytes'
  switch (kept.disposition) {
    case 'CONFLICT':
      return row === undefined || isSame ? 'no other report has its id' : null
    case 'INCOMPLETE':
      return isSame && row.state === 'INCOMPLETE' ? null : `the report is ${row?.state}`
    default:
      return mayMismatch(kept, history, record.appendedAt, world) ? null : 'nothing contradicts it'
  }
}

const checkRows = (world: World): void => {
  const { evidence, histories, sent, report } = world
  const rows: Rows = new Map(evidence.reportRows.map((row) => [nameOf(row), row]))
  const exceptions = new Set(evidence.reportExceptions.map((kept) => `${kept.disposition} ${contentOf(kept)}`))
  const judge = (
    row: ReportRow | ReportExceptionRow,
    what: string,
    faultOf: (h: History, s: Sent) => string | null,
  ) => {
    const history = histories.get(row.orderId)
    const source = sent.get(where(row))
    const content = (source?.message ?? null) === null ? null : contentOf(source!.message!)
    const isIts = history !== undefined && source !== undefined && content === contentOf(row)
    const fault = isIts ? faultOf(history, source) : `${where(row)} is no such report`
    if (fault !== null) report('REPORT_DIFFERS', `report ${row.reportId} of order ${row.orderId} is ${what}: ${fault}`)
  }
  for (const row of rows.values()) {
    judge(row, row.state, (history, { record }) => rowFault(row, history, record.appendedAt, world))
    if (['INCOMPLETE', 'MISMATCH'].includes(row.state) && !exceptions.has(`${row.state} ${contentOf(row)}`))
      report('REPORT_WITHOUT_DISPOSITION', `report ${row.reportId} of order ${row.orderId}: no exception`)
  }
  for (const kept of evidence.reportExceptions)
    judge(kept, kept.disposition, (history, source) => exceptionFault(kept, history, source, world, rows))
}

/** An order that the engine ended has the one report that ended it. */
const checkEnds = ({ evidence, histories, report }: World): void => {
  const enders = Map.groupBy(
    evidence.reportRows.filter(({ state }) => state === 'APPLIED' || state === 'INCOMPLETE'),
    ({ orderId }) => orderId,
  )
  for (const { order } of histories.values()) {
    const wanted = (order.reasonCode ?? '').startsWith('ENGINE_') ? 1 : 0
    const found = enders.get(order.id)?.length ?? 0
    if (found !== wanted)
      report('REPORT_DIFFERS', `order ${order.id} ended by ${order.reasonCode}, and ${found} reports are applied to it`)
  }
}

export const checkReports = (histories: ReadonlyMap<string, History>, evidence: Evidence, report: Report): void => {
  const sent = new Map(evidence.reports.map((record) => [where(record), { record, message: decodeReport(record) }]))
  const trades = new Map(evidence.trades.map((record) => [where(record), record]))
  const world = { evidence, histories, sent, trades, publishedAt: readPublishedAt(evidence), report }
  checkLetters(world)
  checkPresence(world)
  checkRows(world)
  checkEnds(world)
}
