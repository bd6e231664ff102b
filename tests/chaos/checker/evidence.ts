// All that the checker looks at: the clients' log, the topics, the tables, and what still waits once the faults
// have stopped. It shares no code with the service; amounts are bigints scaled by 10^8, a notional by 10^16.

import type {
  BatchResult,
  Closed,
  ControlRequest,
  ControlViolationKind,
  KeyRow,
  RulesChangeRow,
  SweepRow,
} from './controlEvidence.ts'

export type Terms = {
  userId: string
  /** Null: no key was sent, and the user id belongs to this one request. */
  key: string | null
  ticker: string
  side: string
  type: string
  timeInForce: string
  quantity: string
  price: string | null
  stopPrice: string | null
  displayQuantity: string | null
  postOnly: boolean
  /** ISO-8601, to the millisecond. */
  expiresAt: string | null
}

/**
 * The clients' log, a line each; its order is the order in which things happened to the clients. A `sent` line is written
 * before the request leaves, its `answer` after the answer was read; a request without one may have done anything.
 * The request carries `requestIdOf(sent)`.
 */
export type LogLine =
  | { sent: number; op: 'place'; terms: Terms; fix?: FixOrigin }
  | { sent: number; op: 'cancel' | 'delete' | 'get'; orderId: string; fix?: FixOrigin }
  | ({ sent: number } & ControlRequest)
  | Answer

/** Of a request that a firm made by FIX: its session, and its ClOrdID. */
export type FixOrigin = { session: string; key: string }

/** The X-Request-Id of the request that has this number in the clients' log. */
export const requestIdOf = (sent: number): string => `chaos-${sent}`

export type Answer = {
  answer: number
  /** Milliseconds, when it was read. */
  at: number
  /** 0: none came. */
  status: number
  /** `refused`: nobody listened, so it never left. `lost`: it left, and the answer did not come. */
  error?: 'refused' | 'lost'
  orderId?: string
  /** The order's status as the answer says it. */
  orderStatus?: string
  replayed?: boolean
  /** Of a problem. */
  code?: string
  /** Why a rule refused the order. */
  reason?: string
  /** One for each order of a batch. */
  results?: readonly BatchResult[]
  voided?: boolean
  canceled?: readonly string[]
  notCanceled?: readonly Closed[]
  remaining?: boolean
  /** Milliseconds; null: disarmed. */
  firesAt?: number | null
  fired?: boolean
}

type Place = { partition: number; offset: number }

export type EventRecord = Place & {
  key: string | null
  eventId: string | null
  value: string | null
  /** Milliseconds, by the broker's clock. */
  appendedAt: number
}

/** `appendedAt`: milliseconds, by the broker's clock. */
export type TradeRecord = Place & { bytes: Uint8Array | null; appendedAt: number }

export type LetterRecord = Place & { bytes: Uint8Array | null; headers: Readonly<Record<string, string>> }

export type OrderRow = {
  id: string
  userId: string
  key: string | null
  ticker: string
  side: string
  type: string
  timeInForce: string
  quantity: bigint
  price: bigint | null
  stopPrice: bigint | null
  displayQuantity: bigint | null
  postOnly: boolean
  /** Milliseconds. */
  expiresAt: number | null
  triggeredAt: number | null
  filled: bigint
  notional: bigint
  lastPrice: bigint | null
  status: string
  version: number
  /** Milliseconds. */
  createdAt: number
  updatedAt: number
  position: bigint
  requestId: string | null
  reasonCode: string | null
  reasonText: string | null
  /** Of the rules by which it was accepted or refused. */
  rulesEpoch: bigint | null
  /** The door that it came through; null: HTTP. `fix:` and the session. */
  origin: string | null
  /** Who placed it, if the door asks. */
  subject: string | null
}

export type Content = { side: string; ticker: string; quantity: bigint; price: bigint }
export type LedgerRow = Content &
  Place & {
    orderId: string
    tradeId: string
    late: boolean
    version: number
    /** Null: a version that wrote no log wrote the row. */
    cumulativeQuantity: bigint | null
    cumulativeNotional: bigint | null
    /** Milliseconds. */
    at: number
    position: bigint
  }
/** A change that is neither an acceptance nor a fill; the amounts are those of the order at that time. */
export type ChangeRow = {
  orderId: string
  version: number
  kind: string
  /** Milliseconds. */
  at: number
  reasonCode: string | null
  reasonText: string | null
  cause: Readonly<Record<string, unknown>>
  filled: bigint
  notional: bigint
  lastPrice: bigint | null
  position: bigint
  /** Of the rules by which a stop was triggered; null in other changes. */
  rulesEpoch: bigint | null
}
export type ExceptionRow = Content &
  Place & { disposition: string; orderId: string; tradeId: string; message: Uint8Array }

/** `cumulative`: null where the report has none. */
export type ReportContent = { kind: string; ticker: string; cumulative: bigint | null }
/** What became of a report of the engine. */
export type ReportRow = ReportContent & Place & { orderId: string; reportId: string; state: string }
export type ReportExceptionRow = ReportContent &
  Place & { orderId: string; reportId: string; disposition: string; message: Uint8Array }

/** A trigger of the harness writes these at every change of a status, in order. */
export type AuditRow = { orderId: string; from: string; to: string }

/** Which events a stream client asked for. */
export type StreamFilter = { userId?: string; ticker?: string; orderId?: string }

/**
 * What a stream client wrote down, in its order. Times are milliseconds of this machine's clock. `data`: JSON whose numbers are JsonNumber;
 * a text if the message was no JSON.
 */
export type StreamLine =
  /** It forgets all that it knew, and follows this from now on. */
  | { follow: StreamFilter }
  /** `cursor`: null where it begins anew. `slow`: it will read so slowly that the service may cut it off. */
  | { connect: 'stream' | 'poll'; cursor: string | null; slow: boolean }
  | { event: string; data: unknown; at: number }
  | { page: unknown; at: number }
  /** An answer other than 200. */
  | { refused: number; code: string | null }
  /** Nothing came any more, after the load had stopped: it has seen all that there is. */
  | { drained: true }
  /** Whatever the harness could not make sense of. */
  | { nonsense: string }

export type StreamEvidence = { client: string; lines: Iterable<StreamLine> }

/** Fields by tag, of a message that came. Those of a tag that repeats: the last. */
export type FixFields = Readonly<Record<string, string>>
/** What a firm wrote down of a session, in its order. A number of an order or a cancel may come again: the firm was killed before it kept it. */
export type FixLine = { sent: number; type: string; key: string } | { received: FixFields }
/** `drained`: at the end everything that was sent is answered, and nothing comes any more. */
export type FixEvidence = { session: string; lines: Iterable<FixLine>; drained: boolean }

/** What still waited when the harness stopped waiting; all zero and empty if everything came to rest. */
export type Rest = { outbox: number; endings: number; lag: number; setAside: number; notReady: readonly string[] }

export type Evidence = {
  log: readonly LogLine[]
  placed: readonly EventRecord[]
  cancelled: readonly EventRecord[]
  trades: readonly TradeRecord[]
  letters: readonly LetterRecord[]
  reports: readonly TradeRecord[]
  reportLetters: readonly LetterRecord[]
  orders: readonly OrderRow[]
  ledger: readonly LedgerRow[]
  changes: readonly ChangeRow[]
  exceptions: readonly ExceptionRow[]
  reportRows: readonly ReportRow[]
  reportExceptions: readonly ReportExceptionRow[]
  audit: readonly AuditRow[]
  keys: readonly KeyRow[]
  rulesChanges: readonly RulesChangeRow[]
  sweeps: readonly SweepRow[]
  rest: Rest
  /** What each stream client saw. */
  streams: readonly StreamEvidence[]
  /** What each session of FIX was told. */
  fix: readonly FixEvidence[]
  /** The name of the trade topic, as dead letters have it. */
  tradeTopic: string
  reportTopic: string
  /** The names of the topics of events. */
  partitions: number
}

export type ViolationKind =
  | 'ACKED_ORDER_MISSING'
  | 'ORDER_TERMS_DIFFER'
  | 'ORDER_FROM_NOWHERE'
  | 'KEY_MADE_TWO'
  | 'WRONG_ANSWER'
  | 'INTERNAL_ERROR'
  | 'CANCEL_LOST'
  | 'CANCEL_FROM_NOWHERE'
  | 'EVENT_MISSING'
  | 'EVENT_FROM_NOWHERE'
  | 'EVENT_ID_DIFFERS'
  | 'EVENT_CONTENT_DIFFERS'
  | 'TICKER_ORDER'
  | 'CANCEL_BEFORE_PLACEMENT'
  | 'LEG_WITHOUT_DISPOSITION'
  | 'LEDGER_ROW_UNEXPECTED'
  | 'LEDGER_OUT_OF_ORDER'
  | 'EXCEPTION_UNEXPECTED'
  | 'EXCEPTION_DIFFERS'
  | 'DEAD_LETTER_MISSING'
  | 'DEAD_LETTER_UNEXPECTED'
  | 'DEAD_LETTER_DIFFERS'
  | 'FILL_DIFFERS'
  | 'STATUS_DIFFERS'
  | 'VERSION_DIFFERS'
  | 'OVERFILLED'
  | 'FINAL_STATUS_CHANGED'
  | 'STATUS_UNLAWFUL'
  | 'LOG_VERSION_GAP'
  | 'LOG_POSITION'
  | 'LOG_AMOUNT_DIFFERS'
  | 'LOG_STATUS_DIFFERS'
  | 'LOG_REASON_DIFFERS'
  | 'LOG_CAUSE_DIFFERS'
  | 'LOG_TIME_DIFFERS'
  | 'STREAM_GAP'
  | 'STREAM_MISSING'
  | 'STREAM_FROM_NOWHERE'
  | 'STREAM_CONTENT_DIFFERS'
  | 'STREAM_ORDER'
  | 'STREAM_SNAPSHOT_DIFFERS'
  | 'STREAM_RESET'
  | 'STREAM_LAGGING'
  | 'STREAM_UNLAWFUL'
  | 'STREAM_NOT_DRAINED'
  | 'STOP_TRIGGERED_WRONGLY'
  | 'STOP_NOT_TRIGGERED'
  | 'STOP_PUBLISHED_EARLY'
  | 'EXPIRED_EARLY'
  | 'LATE_WHILE_SETTLING'
  | 'REPORT_WITHOUT_DISPOSITION'
  | 'REPORT_DIFFERS'
  | 'STUCK_OUTBOX'
  | 'STUCK_ENDINGS'
  | 'STUCK_LAG'
  | 'STUCK_SET_ASIDE'
  | 'NOT_READY'
  | 'FIX_REPORT_MISSING'
  | 'FIX_REPORT_TWICE'
  | 'FIX_REPORT_ORDER'
  | 'FIX_REPORT_FROM_NOWHERE'
  | 'FIX_REPORT_DIFFERS'
  | 'FIX_RESENT_DIFFERS'
  | 'FIX_UNANSWERED'
  | 'FIX_ANSWERED_TWICE'
  | 'FIX_NOT_DRAINED'
  | ControlViolationKind
/** Of the log of the service and its streams. */
export type LogViolationKind = Extract<ViolationKind, `LOG_${string}` | `STREAM_${string}`>

/** Of sessions of FIX. */
export type FixViolationKind = Extract<ViolationKind, `FIX_${string}`>

/** Of stops, ends by the clock and reports. */
export type LifeViolationKind = Extract<
  ViolationKind,
  `STOP_${string}` | `REPORT_${string}` | 'EXPIRED_EARLY' | 'LATE_WHILE_SETTLING' | 'STUCK_ENDINGS'
>

/** `detail` names the row, message or request, so that it can be found. */
export type Violation = { kind: ViolationKind; detail: string }
export type Report = (kind: ViolationKind, detail: string) => void
