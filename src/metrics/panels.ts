// The dashboard's rows of panels: each panel has a few expressions, each with its legend.

import { endings } from './endingPanels.ts'
import { fix } from './fixPanels.ts'
import { grpc } from './grpcPanels.ts'
import { many } from './manyPanels.ts'
import { of, quantile, quantiles, rate, sum, type Row } from './panel.ts'
import { reports } from './reportPanels.ts'
import { rules } from './rulePanels.ts'
import { stops } from './stopPanels.ts'
import { streams } from './streamPanels.ts'
import { system } from './systemPanels.ts'

const http = 'http_server_request_duration_seconds'
const api = 'http_route=~"/(orders|exceptions|events).*"'
const placing = 'http_route="/orders",http_request_method="POST"'

const requests: Row = {
  title: 'Requests',
  panels: [
    {
      title: 'Requests by route',
      unit: 'reqps',
      queries: [
        [sum(rate(`${http}_count`, api), 'http_request_method, http_route'), '{{http_request_method}} {{http_route}}'],
      ],
    },
    {
      title: 'Answers by status',
      unit: 'reqps',
      queries: [[sum(rate(`${http}_count`), 'http_response_status_code'), '{{http_response_status_code}}']],
    },
    { title: 'POST /orders: time to answer', unit: 's', queries: quantiles(http, placing) },
    {
      title: 'Refusals by code',
      unit: 'reqps',
      queries: [[sum(rate('orders_refusals_total'), 'call, code'), '{{call}} {{code}}']],
    },
  ],
}

const commits: Row = {
  title: 'Transactions',
  panels: [
    {
      title: 'Time to commit, 99 % take less',
      unit: 's',
      queries: [[quantile(0.99, 'orders_batch_commit_duration_seconds', { by: 'kind' }), '{{kind}}']],
    },
    {
      title: 'Wait for a transaction, 99 % take less',
      unit: 's',
      queries: [[quantile(0.99, 'orders_batch_wait_duration_seconds', { by: 'kind' }), '{{kind}}']],
    },
    {
      title: 'Mean size of a batch',
      unit: 'short',
      queries: [
        [
          `${sum(rate('orders_batch_size_items_sum'), 'kind')} / ${sum(rate('orders_batch_size_items_count'), 'kind')}`,
          '{{kind}}',
        ],
      ],
    },
    {
      title: 'Requests waiting and running',
      unit: 'short',
      queries: [
        [sum(of('orders_batch_queued_items'), 'kind'), '{{kind}} waiting'],
        [sum(of('orders_batch_running_items'), 'kind'), '{{kind}} running'],
      ],
    },
  ],
}

const relay: Row = {
  title: 'Outbox and relay',
  panels: [
    {
      title: 'Events that wait',
      unit: 'short',
      queries: [
        [`max(${of('orders_outbox_rows')})`, 'in the outbox'],
        [sum(of('orders_relay_in_flight_events')), 'being sent'],
      ],
    },
    {
      title: 'Age of the oldest',
      unit: 's',
      queries: [[`max(${of('orders_outbox_oldest_age_seconds')})`, 'oldest event']],
    },
    { title: 'From commit to acknowledgement', unit: 's', queries: quantiles('orders_relay_publish_duration_seconds') },
    {
      title: 'Events published',
      unit: 'ops',
      queries: [[sum(rate('orders_relay_published_events_total'), 'instance'), '{{instance}}']],
    },
    {
      title: 'Shards relayed',
      unit: 'short',
      queries: [
        [sum(of('orders_relay_shards'), 'instance'), '{{instance}}'],
        [`count(${sum(of('orders_relay_lease_held'), 'shard')} == 0)`, 'without a holder'],
      ],
    },
    {
      title: 'Refused or set aside',
      unit: 'short',
      queries: [
        [sum(of('orders_relay_tickers_set_aside')), 'tickers set aside'],
        [`max(${of('orders_outbox_refused_tickers')})`, 'tickers refused'],
        [`max(${of('orders_outbox_refusing')})`, 'all new orders refused'],
      ],
    },
  ],
}

const log: Row = {
  title: 'Log',
  panels: [
    {
      title: 'Log: events published',
      unit: 'ops',
      queries: [[sum(rate('orders_log_published_events_total'), 'instance'), '{{instance}}']],
    },
    {
      title: 'Log: age of the oldest unpublished',
      unit: 's',
      queries: [[`max(${of('orders_log_unpublished_age_seconds')})`, 'oldest event']],
    },
    {
      title: 'Log: replicas that publish',
      unit: 'short',
      queries: [[sum(of('orders_log_lease_held')), 'replicas']],
    },
  ],
}

const trades: Row = {
  title: 'Trades',
  panels: [
    {
      title: 'Lag in messages',
      unit: 'short',
      queries: [[`max by (topic, partition) (${of('orders_trades_lag_messages')})`, '{{topic}} {{partition}}']],
    },
    {
      title: 'Lag in time',
      unit: 's',
      queries: [[`max by (topic, partition) (${of('orders_trades_lag_seconds')})`, '{{topic}} {{partition}}']],
    },
    {
      title: 'Stands still',
      unit: 's',
      queries: [[`max by (topic, partition) (${of('orders_trades_still_seconds')})`, '{{topic}} {{partition}}']],
    },
    {
      title: 'From a trade’s timestamp to its dispositions',
      unit: 's',
      queries: quantiles('orders_trades_apply_duration_seconds'),
    },
    {
      title: 'Legs by disposition',
      unit: 'ops',
      queries: [[sum(rate('orders_trade_legs_total'), 'disposition'), '{{disposition}}']],
    },
    {
      title: 'Exceptions and dead letters',
      unit: 'short',
      queries: [
        [`max(${of('orders_exceptions_open')})`, 'exceptions open'],
        [sum(`increase(${of('orders_exceptions_total')}[1h])`, 'disposition'), '{{disposition}} in an hour'],
        [
          sum(`increase(${of('orders_dead_letters_total')}[1h])`, 'disposition'),
          'letters, {{disposition}}, in an hour',
        ],
        [sum(`increase(${of('orders_trades_deleted_unread_messages_total')}[1h])`), 'deleted unread in an hour'],
        [sum(of('orders_dead_letters_waiting')), 'letters that cannot be written'],
      ],
    },
    {
      title: 'Consumer',
      unit: 'short',
      queries: [
        [sum(of('orders_trades_connected')), 'connected'],
        [sum(of('orders_trades_queued_messages')), 'fetched and not applied'],
        [sum(rate('orders_trades_committed_messages_total')), 'messages a second'],
        [sum(`increase(${of('orders_trades_consumer_rebuilds_total')}[1h])`), 'rebuilds in an hour'],
      ],
    },
  ],
}

export const rows: readonly Row[] = [
  requests,
  grpc,
  commits,
  rules,
  relay,
  trades,
  stops,
  reports,
  endings,
  many,
  streams,
  log,
  fix,
  system,
]
