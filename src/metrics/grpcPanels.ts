// The dashboard's row of the gRPC door.

import { of, quantile, rate, sum, type Row } from './panel.ts'

const calls = 'rpc_server_call_duration_seconds'
const unary = 'rpc_method=~"orders.v1.Orders/.*",rpc_method!="orders.v1.Orders/Watch"'

export const grpc: Row = {
  title: 'gRPC',
  panels: [
    {
      title: 'gRPC: calls by method',
      unit: 'reqps',
      queries: [[sum(rate(`${calls}_count`), 'rpc_method'), '{{rpc_method}}']],
    },
    {
      title: 'gRPC: calls by status',
      unit: 'reqps',
      queries: [[sum(rate(`${calls}_count`), 'rpc_response_status_code'), '{{rpc_response_status_code}}']],
    },
    {
      title: 'gRPC: time to answer, 99 % take less',
      unit: 's',
      queries: [[quantile(0.99, calls, { by: 'rpc_method', labels: unary }), '{{rpc_method}}']],
    },
    {
      title: 'gRPC: connections and calls under way',
      unit: 'short',
      queries: [
        [sum(of('orders_grpc_open_connections')), 'connections'],
        [sum(of('orders_grpc_running_calls'), 'rpc_method'), '{{rpc_method}}'],
        [sum(`increase(${of('orders_grpc_refused_connections_total')}[1h])`), 'connections refused in an hour'],
      ],
    },
  ],
}
