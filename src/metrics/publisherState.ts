// The state of the publisher as metrics. Without a topic for the log they have no samples.

import type { PublisherState } from '../publisher/publisher.ts'
import type { StateMetric } from './stateMetric.ts'

const ofPublisher =
  (value: (state: PublisherState) => number): StateMetric['read'] =>
  ({ background: { publisher } }) =>
    publisher === null ? [] : [{ value: value(publisher.state()) }]

export const publisherState: readonly StateMetric[] = [
  {
    name: 'orders_log_published_events_total',
    type: 'counter',
    help: 'Events of the log that the broker acknowledged on the topic KAFKA_TOPIC_ORDER_EVENT, those that were sent again included.',
    read: ofPublisher(({ published }) => published),
  },
  {
    name: 'orders_log_unpublished_age_seconds',
    type: 'gauge',
    help: 'How long the oldest event of the log waits for that topic, on the replica that publishes.',
    read: ofPublisher(({ oldestAgeMs }) => oldestAgeMs / 1000),
  },
  {
    name: 'orders_log_lease_held',
    type: 'gauge',
    help: 'Whether (1 or 0) this replica publishes the log. Of all replicas one does.',
    read: ofPublisher(({ held }) => Number(held)),
  },
]
