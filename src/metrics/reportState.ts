// The state of the engine's reports as metrics: whether they are read, and those that wait. Where the engine sends none, the metrics of their
// consumer have no sample.

import type { Sample } from './metric.ts'
import type { StateMetric, StateSource } from './stateMetric.ts'

type Consumed = ReturnType<NonNullable<StateSource['background']['reports']['consumer']>['state']>

/** A sample of the consumer, if there is one. */
const ofConsumer =
  (value: (state: Consumed) => number): StateMetric['read'] =>
  ({ background }) => {
    const { consumer } = background.reports
    return consumer === null ? [] : [{ value: value(consumer.state()) }]
  }

type Place = { topic: string; partition: number }
/** A sample for each of these places of the consumer. */
const byPlace =
  <P extends Place>(places: (state: Consumed) => readonly P[], value: (place: P) => number): StateMetric['read'] =>
  ({ background }) => {
    const { consumer } = background.reports
    if (consumer === null) return []
    return places(consumer.state()).map((place): Sample => ({
      labels: { topic: place.topic, partition: String(place.partition) },
      value: value(place),
    }))
  }

export const reportState: readonly StateMetric[] = [
  {
    name: 'orders_reports_connected',
    type: 'gauge',
    help: 'Whether (1 or 0) reports of the engine are consumed.',
    read: ofConsumer(({ connected }) => Number(connected)),
  },
  {
    name: 'orders_reports_lag_messages',
    type: 'gauge',
    help: 'Reports on a partition of this replica that have no row yet.',
    labels: ['topic', 'partition'],
    read: byPlace(
      ({ lag }) => lag,
      ({ messages }) => messages,
    ),
  },
  {
    name: 'orders_reports_still_seconds',
    type: 'gauge',
    help: 'For how long the committed offset of a partition of reports has not moved though it has messages; of all partitions, whoever reads them.',
    labels: ['topic', 'partition'],
    read: byPlace(
      ({ standing }) => standing,
      ({ stillMs }) => stillMs / 1000,
    ),
  },
  {
    name: 'orders_reports_deleted_unread_messages_total',
    type: 'counter',
    help: 'Reports that were deleted from the topic before they were read.',
    read: ofConsumer(({ lost }) => lost),
  },
  {
    name: 'orders_reports_consumer_rebuilds_total',
    type: 'counter',
    help: 'Times that the consumer of reports was built again.',
    read: ofConsumer(({ rebuilds }) => rebuilds),
  },
  {
    name: 'orders_report_dead_letters_waiting',
    type: 'gauge',
    help: 'Dead letters of reports that were refused and are not written yet.',
    read: ({ background }) => background.reports.letters.state().reduce((sum, { letters }) => sum + letters, 0),
  },
  {
    name: 'orders_reports_waiting',
    type: 'gauge',
    help: 'Reports that wait for fills, counted up to 10,000; the same on every replica.',
    read: ({ background }) => background.reports.waiting.state().reports,
  },
  {
    name: 'orders_reports_waiting_seconds',
    type: 'gauge',
    help: 'How long the oldest report has waited for fills.',
    read: ({ background }) => background.reports.waiting.state().oldestMs / 1000,
  },
  {
    name: 'orders_report_exceptions_open',
    type: 'gauge',
    help: 'Exceptions of reports that nobody has resolved, of the newest 10,000. They are counted every 10 s.',
    read: ({ background }) => background.openReportExceptions.count(),
  },
]
