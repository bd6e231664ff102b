// The report topic against the tables: below the group's committed offsets every report has left its trace. The order of reading is that of
// legs.ts, for the same reason.

import { formatAmount } from '../domain/decimal.ts'
import { canonicalUuid } from '../domain/ids.ts'
import { decodeReport } from '../kafka/reportSchema.ts'
import type { TopicRecord } from '../kafka/topicReader.ts'
import { textArray, type Sql } from '../store/sql.ts'
import { coordinatesText } from '../wire/coordinates.ts'
import { passedSpans, readLetters, type Run } from './inboundTopic.ts'
import type { Violation } from './violation.ts'

/** `orderId`: null if it cannot be that of an order of ours. `needsLetter`: only a dead letter will do. */
type TopicReport = {
  letterId: string
  orderId: string | null
  reportId: string
  kind: string
  ticker: string
  cumulative: string | null
  needsLetter: boolean
  name: string
  publishedAtMs: number
}

const batchMax = 2_500

const reportOf = (record: TopicRecord): TopicReport => {
  const from = { letterId: coordinatesText(record), publishedAtMs: record.publishedAtMs }
  const report = decodeReport(record.value)
  if ('malformed' in report) {
    const none = { orderId: null, reportId: '', kind: '', ticker: '', cumulative: null }
    return { ...from, ...none, needsLetter: true, name: `MALFORMED (${report.malformed})` }
  }
  const { reportId, kind, ticker, cumulativeQuantity } = report
  const cumulative = cumulativeQuantity === null ? null : formatAmount(cumulativeQuantity)
  const name = `report ${reportId} of order ${report.orderId.slice(0, 64)}`
  return {
    ...from,
    orderId: canonicalUuid(report.orderId),
    reportId,
    kind,
    ticker,
    cumulative,
    needsLetter: false,
    name,
  }
}

/** The reports that left no trace, by their index: no row and no exception with their content, and no dead letter. */
const readUntraced = (
  sql: Sql,
  reports: readonly TopicReport[],
  unknownToDeadLetters: boolean,
): Promise<{ index: number; orderExists: boolean }[]> => {
  const text = (of: (report: TopicReport) => string | null) => textArray(reports.map(of))
  return sql<{ index: number; orderExists: boolean }[]>`
    select (i.n - 1)::integer as index, o.id is not null as "orderExists"
    from unnest(
      ${text((r) => r.letterId)}::text[],
      ${text((r) => r.orderId)}::text[]::uuid[],
      ${text((r) => r.reportId)}::text[],
      ${text((r) => r.kind)}::text[],
      ${text((r) => r.ticker)}::text[],
      ${text((r) => r.cumulative)}::text[]::numeric[],
      ${text((r) => (r.needsLetter ? 'true' : 'false'))}::text[]::boolean[]
    ) with ordinality as i (letter_id, order_id, report_id, kind, ticker, cumulative_quantity, needs_letter, n)
    left join orders o on o.id = i.order_id
    where (o.id is not null or i.needs_letter or ${unknownToDeadLetters}::boolean)
      and not exists (select from verify_letters l where l.id = i.letter_id)
      and not exists (
        select from ingested_reports r
        where r.order_id = o.id and r.report_id = i.report_id and r.kind = i.kind and r.ticker = i.ticker
          and r.cumulative_quantity is not distinct from i.cumulative_quantity)
      and not exists (
        select from report_exceptions e
        where e.order_id = o.id and e.report_id = i.report_id and e.kind = i.kind and e.ticker = i.ticker
          and e.cumulative_quantity is not distinct from i.cumulative_quantity)
    order by i.n`
}

const untraced = ({ letterId, name }: TopicReport, orderExists: boolean): Violation => ({
  subject: 'report',
  id: letterId,
  rule: name,
  expected: orderExists ? 'a row or an exception with its content, or a dead letter' : 'a dead letter',
  found: null,
})

export const verifyReportRecords = async (
  run: Run,
  { topic, letterTopic }: { topic: string; letterTopic: string },
): Promise<void> => {
  const { sql, reader, options, group } = run
  const { reporter, slackMs, unknownToDeadLetters } = options
  const spans = await passedSpans(run, { topic, subject: 'report' })
  const lettersSinceMs = (await readLetters(run, letterTopic)) + slackMs
  const total = spans.reduce((sum, { start, end }) => sum + Math.max(0, Number(end - start)), 0)
  let done = 0
  let unjudged = 0
  await reader.read(topic, spans, async (records) => {
    for (let i = 0; i < records.length; i += batchMax) {
      const batch = records.slice(i, i + batchMax).map(reportOf)
      const missing = await readUntraced(sql, batch, unknownToDeadLetters)
      // The letter of a report that is older may have been deleted already; nobody can say.
      const judged = missing.filter(({ index }) => batch[index]!.publishedAtMs >= lettersSinceMs)
      unjudged += missing.length - judged.length
      await reporter.onViolations(judged.map(({ index, orderExists }) => untraced(batch[index]!, orderExists)))
    }
    done += records.length
    reporter.onProgress(`messages of ${topic}`, done, total)
  })
  await reporter.onNote(`${topic}: ${done} reports below the committed offsets of ${group}`)
  if (unjudged > 0)
    await reporter.onNote(`${unjudged} reports are older than the dead letters that are still kept: not judged`)
}
