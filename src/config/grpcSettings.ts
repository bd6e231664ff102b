// Settings of the gRPC door: where it listens, and what its connections may be and hold.

import { int, ms, text } from './readers.ts'
import type { Setting } from './setting.ts'

export const grpcSettings = {
  GRPC_PORT: {
    read: int(0, 0, 65_535),
    note: 'The port for gRPC, with the certificate of `SERVER_TLS_CERT_FILE` if there is one. `0`: there is none, and none of its code is loaded.',
  },
  GRPC_HOST: {
    read: text('0.0.0.0', /^[A-Za-z0-9.:_-]+$/, 'must be an address or a host name'),
    note: 'The address of `GRPC_PORT`.',
  },
  GRPC_MAX_CONNECTIONS: {
    read: int(1_000, 1, 100_000),
    note: 'How many connections may be open. One more is closed at once; its client tries again.',
  },
  GRPC_CONNECTION_MAX_CALLS: {
    read: int(1_000, 1, 10_000),
    note: 'How many calls, streams among them, a connection may have under way. Its client keeps back those above.',
  },
  GRPC_MESSAGE_MAX_BYTES: {
    read: int(1_048_576, 1_024, 16_777_216),
    note: 'A larger message is refused with `RESOURCE_EXHAUSTED`. `BODY_MAX_BYTES` and `BATCH_BODY_MAX_BYTES` bound the orders in it too.',
  },
  GRPC_KEEPALIVE_MS: {
    read: ms(60_000, 1_000, 3_600_000),
    note: 'After this time of silence a client is asked whether it is there (a PING of HTTP/2).',
  },
  GRPC_KEEPALIVE_TIMEOUT_MS: {
    read: ms(20_000, 1_000, 600_000),
    note: 'A connection whose client does not answer that within this time is closed.',
  },
  GRPC_CONNECTION_IDLE_MS: {
    read: ms(300_000, 1_000, 86_400_000),
    note: 'A connection without a call is closed after this time. Its client opens another for the next call.',
  },
  GRPC_CONNECTION_AGE_MS: {
    read: ms(0, 0, 86_400_000),
    note: 'A connection takes no new call after this time, so that clients spread over new replicas; what is under way ends by itself. `0`: never.',
  },
} as const satisfies Readonly<Record<string, Setting<unknown>>>
