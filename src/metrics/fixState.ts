// The state of the FIX door as metrics. Without its port they have no samples.

import type { FixTransportState } from '../fix/gateway/transport.ts'
import type { GatewayState } from '../fix/gateway/types.ts'
import type { StateMetric } from './stateMetric.ts'

export type FixState = FixTransportState & GatewayState

const ofFix =
  (value: (state: FixState) => number): StateMetric['read'] =>
  ({ fix }) => {
    const state = fix()
    return state === null ? [] : [{ value: value(state) }]
  }

export const fixState: readonly StateMetric[] = [
  {
    name: 'orders_fix_connections',
    type: 'gauge',
    help: 'Connections of FIX, those before their logon among them.',
    read: ofFix(({ connections }) => connections),
  },
  {
    name: 'orders_fix_sessions',
    type: 'gauge',
    help: 'Sessions of FIX that are logged on at this replica.',
    read: ofFix(({ sessions }) => sessions),
  },
  {
    name: 'orders_fix_unsent_bytes',
    type: 'gauge',
    help: 'Bytes that clients of FIX have not read yet.',
    read: ofFix(({ unsentBytes }) => unsentBytes),
  },
  {
    name: 'orders_fix_reports_wait_seconds',
    type: 'gauge',
    help: 'How long the oldest event waits whose report has no number yet, over the sessions that are logged on.',
    read: ofFix(({ reportsWaitMs }) => reportsWaitMs / 1000),
  },
]
