// The state of the trade side as metrics: its lag, the partitions that stand still, and the messages that wait.

import type { Sample } from './metric.ts'
import type { StateMetric, StateSource } from './stateMetric.ts'

type Place = { topic: string; partition: number }
const placeLabels = ['topic', 'partition'] as const
const labelsOf = ({ topic, partition }: Place): NonNullable<Sample['labels']> => ({
  topic,
  partition: String(partition),
})

/** A sample for every partition that is watched or has letters: an alert needs a zero before the first letter. */
const lettersByPartition = ({ background }: StateSource): Sample[] => {
  const waiting = new Map(background.letters.state().map(({ partition, letters }) => [partition, letters]))
  const standing = background.trades.state().standing.map(({ partition }) => partition)
  return [...new Set([...standing, ...waiting.keys()])].map((partition) => ({
    labels: { partition: String(partition) },
    value: waiting.get(partition) ?? 0,
  }))
}

export const tradeState: readonly StateMetric[] = [
  {
    name: 'orders_trades_connected',
    type: 'gauge',
    help: 'Whether (1 or 0) trades are consumed.',
    read: ({ background }) => Number(background.trades.state().connected),
  },
  {
    name: 'orders_trades_queued_messages',
    type: 'gauge',
    help: 'Trades that are fetched and not applied yet.',
    read: ({ background }) => background.trades.state().queued,
  },
  {
    name: 'orders_trades_lag_messages',
    type: 'gauge',
    help: "Trades on a partition of this replica that have no disposition yet. The topic's end is asked for every 5 s.",
    labels: placeLabels,
    read: ({ background }) =>
      background.trades.state().lag.map((place) => ({ labels: labelsOf(place), value: place.messages })),
  },
  {
    name: 'orders_trades_lag_seconds',
    type: 'gauge',
    help: 'Age of the oldest trade that was fetched and has no disposition yet; 0 where there is none.',
    labels: placeLabels,
    read: ({ background, now }) => {
      const at = now().getTime()
      return background.trades.state().lag.map((place) => ({
        labels: labelsOf(place),
        value: place.oldestAt === null ? 0 : Math.max(0, at - place.oldestAt) / 1000,
      }))
    },
  },
  {
    name: 'orders_trades_still_seconds',
    type: 'gauge',
    help: 'For how long the committed offset of a partition has not moved though it has messages; of all partitions, whoever reads them.',
    labels: placeLabels,
    read: ({ background }) =>
      background.trades.state().standing.map((place) => ({ labels: labelsOf(place), value: place.stillMs / 1000 })),
  },
  {
    name: 'orders_trades_deleted_unread_messages_total',
    type: 'counter',
    help: 'Trades that were deleted from the topic before they were read.',
    read: ({ background }) => background.trades.state().lost,
  },
  {
    name: 'orders_dead_letters_waiting',
    type: 'gauge',
    help: 'Dead letters that were refused and are not written yet, by partition of the trade topic.',
    labels: ['partition'],
    read: lettersByPartition,
  },
  {
    name: 'orders_trades_committed_messages_total',
    type: 'counter',
    help: 'Trades whose offset was committed.',
    read: ({ background }) => background.trades.state().committed,
  },
  {
    name: 'orders_trades_consumer_rebuilds_total',
    type: 'counter',
    help: 'Times that the consumer of trades was built again.',
    read: ({ background }) => background.trades.state().rebuilds,
  },
  {
    name: 'orders_exceptions_open',
    type: 'gauge',
    help: 'Exceptions that nobody has resolved, of the newest 10,000. They are counted every 10 s.',
    read: ({ background }) => background.openExceptions.count(),
  },
]
