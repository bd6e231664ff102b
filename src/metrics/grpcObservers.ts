// Counts what happens at the gRPC door. Without its port nothing does, and its series with labels do not exist.

import type { CallObserver } from '../grpc/door.ts'
import { createCounter, createGauge, createHistogram } from './instruments.ts'

/** `buckets`: upper bounds in seconds. */
export const createGrpc = (buckets: readonly number[]) => {
  const duration = createHistogram({
    name: 'rpc_server_call_duration_seconds',
    help: 'How long every gRPC call took, by method and status; of a stream, until its end. They are not among the requests of HTTP.',
    labels: ['rpc_method', 'rpc_response_status_code'],
    buckets,
  })
  const running = createGauge({
    name: 'orders_grpc_running_calls',
    help: 'Calls of gRPC under way, streams among them, by method.',
    labels: ['rpc_method'],
  })
  const open = createGauge({
    name: 'orders_grpc_open_connections',
    help: 'Connections that are open on the gRPC port.',
  })
  const refused = createCounter({
    name: 'orders_grpc_refused_connections_total',
    help: 'Connections that were closed at once, because GRPC_MAX_CONNECTIONS were open.',
  })
  const observer: CallObserver = {
    onStart: (method) => running.of(method).add(1),
    onEnd({ method, status, seconds }) {
      running.of(method).add(-1)
      duration.of(method, status).observe(seconds)
    },
    onConnections: (connections) => open.of().set(connections),
    onConnectionRefused: () => refused.of().add(),
  }
  return { observer, instruments: [duration, running, open, refused] }
}
