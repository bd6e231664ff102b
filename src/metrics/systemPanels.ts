// The dashboard's row of the replicas themselves: their process, their connections.

import { of, quantile, rate, sum, type Row } from './panel.ts'

export const system: Row = {
  title: 'Neighbours and process',
  panels: [
    {
      title: 'Reachable',
      unit: 'short',
      queries: [
        [`min(${of('orders_postgres_up')})`, 'Postgres'],
        [`min(${of('orders_kafka_up')})`, 'Kafka'],
        [`count by (version, commit) (${of('orders_build_info')})`, 'replicas of {{version}}'],
      ],
    },
    {
      title: 'Connections to Postgres',
      unit: 'short',
      queries: [
        [sum(of('orders_db_pool_used_connections'), 'pool'), '{{pool}} used'],
        [sum(of('orders_db_pool_waiting_statements'), 'pool'), '{{pool}} waiting'],
        [sum(of('orders_db_pool_max_connections'), 'pool'), '{{pool}} at most'],
      ],
    },
    {
      title: 'Statements that failed',
      unit: 'ops',
      queries: [[sum(rate('orders_db_statement_failures_total'), 'pool, fault'), '{{pool}} {{fault}}']],
    },
    {
      title: 'Event loop, 99 % of the looks were less late',
      unit: 's',
      queries: [[quantile(0.99, 'orders_event_loop_lag_seconds', { by: 'instance' }), '{{instance}}']],
    },
    { title: 'Processor', unit: 'percentunit', queries: [[rate('process_cpu_seconds_total'), '{{instance}}']] },
    {
      title: 'Memory',
      unit: 'bytes',
      queries: [
        [of('process_resident_memory_bytes'), '{{instance}}'],
        [of('process_heap_bytes'), '{{instance}} heap'],
      ],
    },
    {
      title: 'Open files and connections',
      unit: 'short',
      queries: [[of('process_open_fds'), '{{instance}}']],
    },
    { title: 'Up for', unit: 's', queries: [[`time() - ${of('process_start_time_seconds')}`, '{{instance}}']] },
    {
      title: 'Keys of orders from before 1.5',
      unit: 'short',
      queries: [
        [`max(${of('orders_key_fill_orders')})`, 'orders looked through'],
        [`max(${of('orders_key_fill_done')})`, '1: all keys are in the table'],
      ],
    },
  ],
}
