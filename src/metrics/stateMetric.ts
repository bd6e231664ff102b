// The form of a metric that is read from the state of the parts when the page is requested.

import type { Expiry } from '../app/expiry.ts'
import type { KeyFilling } from '../app/fillKeys.ts'
import type { Monitor } from '../app/monitor.ts'
import type { OpenExceptions } from '../app/openExceptions.ts'
import type { WatchedRuleBook } from '../app/rules.ts'
import type { Service } from '../app/service.ts'
import type { StopWatch } from '../app/stopWatch.ts'
import type { StreamUseCases } from '../app/streams.ts'
import type { Switches } from '../app/switches.ts'
import type { WaitingReports } from '../app/waitingReports.ts'
import type { Consumer } from '../kafka/inbound/consumer.ts'
import type { DeadLetters } from '../kafka/inbound/deadLetters.ts'
import type { Link } from '../kafka/link.ts'
import type { Publisher } from '../publisher/publisher.ts'
import type { Relay } from '../relay/relay.ts'
import type { Pool } from '../store/sql.ts'
import type { FixState } from './fixState.ts'
import type { MetricDeclaration, Sample } from './metric.ts'

export type StateSource = {
  build: { version: string; commit: string }
  background: {
    monitor: Monitor
    link: Link
    relay: Relay
    publisher: Publisher | null
    trades: Consumer
    letters: Pick<DeadLetters, 'state'>
    openExceptions: OpenExceptions
    expiry: Pick<Expiry, 'state'>
    switches: Pick<Switches, 'state'>
    openReportExceptions: Pick<OpenExceptions, 'count'>
    reports: {
      consumer: Pick<Consumer, 'state'> | null
      letters: Pick<DeadLetters, 'state'>
      waiting: Pick<WaitingReports, 'state'>
    }
    stops: Pick<StopWatch, 'state'>
    keyFilling: Pick<KeyFilling, 'state'>
  }
  ruleBook: Pick<WatchedRuleBook, 'state'>
  service: Pick<Service, 'load'>
  streams: Pick<StreamUseCases, 'state'>
  pools: () => Readonly<Record<string, Pick<Pool, 'load'>>>
  /** Null: there is no FIX door. */
  fix: () => FixState | null
  now: () => Date
}

/** `read`: one number if the metric has no labels. */
export type StateMetric = MetricDeclaration & { read: (source: StateSource) => number | readonly Sample[] }
