// Compares the ledger, the exceptions and the dead letters with the expected ones: none is missing, none too many, none twice.

import { fillKey, sameContent, type Expected, type ExpectedFill, type ExpectedLetter } from './dispositions.ts'
import type { Evidence, LedgerRow, LetterRecord, Report, TradeRecord } from './evidence.ts'
import { endOf, type History } from './history.ts'

type Judged = { evidence: Evidence; histories: ReadonlyMap<string, History> }

const where = ({ partition, offset }: { partition: number; offset: number }): string => `${partition}@${offset}`
const sameBytes = (a: Uint8Array | null, b: Uint8Array | null): boolean =>
  a === null || b === null ? a === b : Buffer.compare(a, b) === 0

/** A ledger row names the message that made it; a redelivery or a copy of that message never takes its place. */
const isRowOf = (row: LedgerRow, fill: ExpectedFill): boolean =>
  row.offset === fill.at.offset &&
  row.partition === fill.at.partition &&
  row.orderId === fill.orderId &&
  row.tradeId === fill.tradeId &&
  sameContent(row, fill)

const checkLedger = ({ evidence: { ledger }, histories }: Judged, { fills }: Expected, report: Report): void => {
  const endVersion = (orderId: string): number => {
    const history = histories.get(orderId)
    return (history === undefined ? undefined : endOf(history)?.version) ?? Infinity
  }
  const byOrder = Map.groupBy(ledger, (row) => row.orderId)
  for (const [orderId, expected] of fills) {
    const rows = (byOrder.get(orderId) ?? []).toSorted((a, b) => a.version - b.version)
    const missing = expected.filter((fill) => !rows.some((row) => isRowOf(row, fill)))
    for (const fill of missing)
      report(
        'LEG_WITHOUT_DISPOSITION',
        `order ${orderId}, trade ${fill.tradeId} of ${where(fill.at)} is not in the ledger`,
      )
    if (missing.length === 0 && rows.some((row, i) => expected[i] !== undefined && !isRowOf(row, expected[i])))
      report('LEDGER_OUT_OF_ORDER', `order ${orderId}: its trades were not applied in partition order`)
  }
  for (const row of ledger) {
    if (!(fills.get(row.orderId) ?? []).some((fill) => isRowOf(row, fill)))
      report('LEDGER_ROW_UNEXPECTED', `order ${row.orderId}, trade ${row.tradeId} of ${where(row)}`)
    else if (row.late !== row.version > endVersion(row.orderId))
      report('LEDGER_ROW_UNEXPECTED', `order ${row.orderId}, trade ${row.tradeId}: late is ${row.late}`)
  }
}

const checkExceptions = ({ exceptions, trades }: Evidence, expected: Expected, report: Report): void => {
  const messages = new Map(trades.map((record) => [where(record), record.bytes]))
  const rows = Map.groupBy(exceptions, fillKey)
  const due = expected.exceptions
  for (const [key, { disposition, at }] of due) {
    const [row] = rows.get(key) ?? []
    const places = at.map(where)
    if (row === undefined)
      report('LEG_WITHOUT_DISPOSITION', `no exception for the ${disposition} ${key} of ${places[0]}`)
    else if (row.disposition !== disposition || !places.includes(where(row)))
      report(
        'EXCEPTION_DIFFERS',
        `${key} is ${row.disposition} of ${where(row)}, not ${disposition} of ${places.join(' or ')}`,
      )
  }
  for (const [key, found] of rows) {
    if (!due.has(key)) report('EXCEPTION_UNEXPECTED', `${found[0]!.disposition} ${key}`)
    if (found.length > 1) report('EXCEPTION_UNEXPECTED', `${key} is kept ${found.length} times`)
    for (const row of found)
      if (!sameBytes(row.message, messages.get(where(row)) ?? null))
        report('EXCEPTION_DIFFERS', `${key} does not keep the bytes of ${where(row)}`)
  }
}

const letterFault = (letter: LetterRecord, { at, disposition, legs }: ExpectedLetter): string | null => {
  if (!sameBytes(letter.bytes, at.bytes)) return 'its bytes are not those received'
  if (letter.headers['x-disposition'] !== disposition) return `it says ${letter.headers['x-disposition']}`
  const named = (letter.headers['x-legs'] ?? '').split(',').filter((leg) => leg !== '')
  const ids = named.map((leg) => leg.slice(leg.indexOf(':') + 1))
  return ids.toSorted().join(',') === legs.toSorted().join(',') ? null : `it names ${named.join(',')}`
}

/** Each letter must be there at least once; returns how many were repeats. */
const checkLetters = ({ letters, tradeTopic }: Evidence, expected: Expected, report: Report): number => {
  const idOf = ({ partition, offset }: TradeRecord): string => `${tradeTopic}-${partition}-${offset}`
  const due = new Map(expected.letters.map((letter) => [idOf(letter.at), letter]))
  const found = new Set<string>()
  for (const letter of letters) {
    const id = letter.headers['x-dead-letter-id'] ?? ''
    const want = due.get(id)
    found.add(id)
    const fault = want === undefined ? null : letterFault(letter, want)
    if (want === undefined) report('DEAD_LETTER_UNEXPECTED', `${where(letter)}: ${id}`)
    else if (fault !== null) report('DEAD_LETTER_DIFFERS', `${where(letter)}: ${id}: ${fault}`)
  }
  for (const [id, { disposition }] of due)
    if (!found.has(id)) report('DEAD_LETTER_MISSING', `${disposition} ${id} is not on the dead-letter topic`)
  return letters.length - found.size
}

export const checkTrades = (expected: Expected, judged: Judged, report: Report): { letterRepeats: number } => {
  const { evidence } = judged
  checkLedger(judged, expected, report)
  checkExceptions(evidence, expected, report)
  return { letterRepeats: checkLetters(evidence, expected, report) }
}
