// Counts what becomes of the engine's reports.

import { letterDispositions } from '../domain/leg.ts'
import {
  reportDispositions,
  reportExceptions,
  type ReportDisposition,
  type ReportExceptionDisposition,
} from '../domain/report.ts'
import type { DeadLetter } from '../kafka/inbound/deadLetters.ts'
import { createCounter, createHistogram } from './instruments.ts'

/** Seconds, up to the delays that an outage causes. */
const streamBuckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60, 300, 900]

export const createReports = () => {
  const reports = createCounter({
    name: 'orders_reports_total',
    help: 'Reports of the engine by what became of them, repeats included. One that waits for fills counts once it has its disposition.',
    labels: ['disposition'],
  })
  const exceptions = createCounter({
    name: 'orders_report_exceptions_total',
    help: 'Reports that were kept as exceptions, each once.',
    labels: ['disposition'],
  })
  const letters = createCounter({
    name: 'orders_report_dead_letters_total',
    help: 'Messages sent to the dead-letter topic of reports and acknowledged.',
    labels: ['disposition'],
  })
  const applied = createHistogram({
    name: 'orders_reports_apply_duration_seconds',
    help: 'From the timestamp of a report on its topic to its row.',
    buckets: streamBuckets,
  })
  // An alert on the first one needs a zero before it.
  for (const disposition of reportDispositions) reports.of(disposition)
  for (const disposition of reportExceptions) exceptions.of(disposition)
  for (const disposition of letterDispositions) letters.of(disposition)
  const report = applied.of()
  return {
    onDisposition: (disposition: ReportDisposition): void => reports.of(disposition).add(),
    onException: (disposition: ReportExceptionDisposition): void => exceptions.of(disposition).add(),
    onLetter: ({ disposition }: DeadLetter): void => letters.of(disposition).add(),
    onApplied: (ageMs: number): void => report.observe(ageMs / 1000),
    instruments: [reports, exceptions, letters, applied],
  }
}
