// The guards of the tables: every trigger, check, foreign key and unique key that the promises rest on. A guard that was dropped,
// disabled or not validated is a violation by itself, whatever the rows look like today.

import { adoptionGuards } from './adoptionGuards.ts'

export type Guards = {
  triggers: readonly string[]
  /** Checks and foreign keys. */
  constraints: readonly string[]
  /** Unique indexes and keys. */
  keys: Readonly<Record<string, readonly string[]>>
}

/** By table. A test compares this list with a migrated database, so that a new guard cannot be forgotten here. */
export const guards: Readonly<Record<string, Guards>> = {
  orders: {
    triggers: [
      'orders_start_new',
      'orders_terms_fixed',
      'orders_only_forward',
      'orders_own_xact',
      'orders_sort_key',
      'orders_judged',
      'orders_early',
      'orders_reason_fixed',
      'orders_change_logged',
      'orders_lawful_status',
      'orders_triggered_once',
      'orders_never_deleted',
      'orders_never_truncated',
    ],
    constraints: [
      'orders_client_order_id',
      'orders_ticker',
      'orders_side',
      'orders_time_in_force',
      'orders_type_and_terms',
      'orders_stop_and_display',
      'orders_quantity',
      'orders_price',
      'orders_never_overfilled',
      'orders_fill_prices',
      'orders_status_and_fill',
      'orders_version',
      'orders_reason',
    ],
    keys: { orders_pkey: ['id'] },
  },
  order_keys: {
    triggers: ['order_keys_never_updated', 'order_keys_never_deleted', 'order_keys_never_truncated'],
    constraints: ['order_keys_holder'],
    keys: { order_keys_pkey: ['user_id', 'client_order_id'] },
  },
  order_keys_fill: {
    triggers: [],
    constraints: ['order_keys_fill_slot_check'],
    keys: { order_keys_fill_pkey: ['slot'] },
  },
  rules_gate: {
    triggers: ['rules_gate_only_up', 'rules_gate_never_deleted', 'rules_gate_never_truncated'],
    constraints: ['rules_gate_slot_check'],
    keys: { rules_gate_pkey: ['slot'] },
  },
  instruments: {
    triggers: ['instruments_never_deleted', 'instruments_never_truncated', 'instruments_through_gate'],
    constraints: ['instruments_ticker', 'instruments_limits', 'instruments_delisted'],
    keys: { instruments_pkey: ['ticker'] },
  },
  trading_states: {
    triggers: ['trading_states_never_deleted', 'trading_states_never_truncated', 'trading_states_through_gate'],
    constraints: ['trading_states_ticker', 'trading_states_state'],
    keys: { trading_states_pkey: ['ticker'] },
  },
  rules_changes: {
    triggers: [
      'rules_changes_never_updated',
      'rules_changes_never_deleted',
      'rules_changes_never_truncated',
      'rules_changes_through_gate',
    ],
    constraints: [
      'rules_changes_epoch',
      'rules_changes_what',
      'rules_changes_changed_by',
      'rules_changes_note',
      'rules_changes_halt',
    ],
    keys: { rules_changes_pkey: ['epoch'], rules_changes_once: ['attempt'] },
  },
  ingested_fills: {
    triggers: [
      'ingested_fills_never_updated',
      'ingested_fills_never_deleted',
      'ingested_fills_never_truncated',
      'ingested_fills_own_xact',
    ],
    constraints: [
      'ingested_fills_order_id_fkey',
      'ingested_fills_side',
      'ingested_fills_quantity',
      'ingested_fills_price',
      'ingested_fills_cumulative',
    ],
    keys: {
      ingested_fills_pkey: ['order_id', 'trade_id'],
      ingested_fills_one_step: ['order_id', 'order_version'],
    },
  },
  order_changes: {
    triggers: [
      'order_changes_never_updated',
      'order_changes_never_deleted',
      'order_changes_never_truncated',
      'order_changes_own_xact',
      'order_changes_judged',
    ],
    constraints: ['order_changes_order_id_fkey', 'order_changes_version', 'order_changes_kind', 'order_changes_cause'],
    keys: { order_changes_pkey: ['order_id', 'version'] },
  },
  log_epochs: {
    triggers: ['log_epochs_never_updated', 'log_epochs_never_deleted', 'log_epochs_never_truncated'],
    constraints: [],
    keys: { log_epochs_pkey: ['epoch'] },
  },
  event_publication: {
    triggers: [],
    constraints: ['event_publication_number'],
    keys: { event_publication_pkey: ['number'] },
  },
  event_publication_lease: {
    triggers: [],
    constraints: ['event_publication_lease_slot'],
    keys: { event_publication_lease_pkey: ['slot'] },
  },
  exceptions: {
    triggers: ['exceptions_never_updated', 'exceptions_never_deleted', 'exceptions_never_truncated'],
    constraints: ['exceptions_order_id_fkey', 'exceptions_disposition'],
    keys: {
      exceptions_pkey: ['id'],
      exceptions_once: ['order_id', 'trade_id', 'side', 'ticker', 'quantity', 'price'],
    },
  },
  exception_resolutions: {
    triggers: [
      'exception_resolutions_never_updated',
      'exception_resolutions_never_deleted',
      'exception_resolutions_never_truncated',
    ],
    constraints: [
      'exception_resolutions_exception_id_fkey',
      'exception_resolutions_resolved_by',
      'exception_resolutions_note',
    ],
    keys: { exception_resolutions_pkey: ['exception_id'] },
  },
  trade_gaps: {
    triggers: ['trade_gaps_settled_once', 'trade_gaps_never_deleted', 'trade_gaps_never_truncated'],
    constraints: ['trade_gaps_offsets', 'trade_gaps_settled'],
    keys: { trade_gaps_pkey: ['topic', 'kafka_partition', 'first_offset'] },
  },
  order_endings: {
    triggers: [],
    constraints: ['order_endings_order_id_fkey', 'order_endings_outcome', 'order_endings_stages'],
    keys: { order_endings_pkey: ['order_id'] },
  },
  tape_marks: {
    triggers: ['tape_marks_only_up'],
    constraints: [],
    keys: { tape_marks_pkey: ['topic', 'partition'] },
  },
  topic_places: {
    triggers: [],
    constraints: ['topic_places_offset'],
    keys: { topic_places_pkey: ['topic', 'partition'] },
  },
  ingested_reports: {
    triggers: ['ingested_reports_settled_once', 'ingested_reports_never_deleted', 'ingested_reports_never_truncated'],
    constraints: [
      'ingested_reports_order_id_fkey',
      'ingested_reports_kind',
      'ingested_reports_state',
      'ingested_reports_settled',
      'ingested_reports_message',
      'ingested_reports_amount',
    ],
    keys: { ingested_reports_pkey: ['order_id', 'report_id'] },
  },
  report_exceptions: {
    triggers: [
      'report_exceptions_never_updated',
      'report_exceptions_never_deleted',
      'report_exceptions_never_truncated',
    ],
    constraints: ['report_exceptions_order_id_fkey', 'report_exceptions_disposition'],
    keys: {
      report_exceptions_pkey: ['id'],
      report_exceptions_once: ['order_id', 'report_id', 'disposition', 'kind', 'ticker', 'cumulative_quantity'],
    },
  },
  report_exception_resolutions: {
    triggers: [
      'report_exception_resolutions_never_updated',
      'report_exception_resolutions_never_deleted',
      'report_exception_resolutions_never_truncated',
    ],
    constraints: [
      'report_exception_resolutions_exception_id_fkey',
      'report_exception_resolutions_resolved_by',
      'report_exception_resolutions_note',
    ],
    keys: { report_exception_resolutions_pkey: ['exception_id'] },
  },
  cancel_sweeps: {
    triggers: ['cancel_sweeps_scope_fixed', 'cancel_sweeps_open_kept', 'cancel_sweeps_never_truncated'],
    constraints: ['cancel_sweeps_side', 'cancel_sweeps_cause', 'cancel_sweeps_lease'],
    keys: { cancel_sweeps_pkey: ['id'] },
  },
  cancel_after: {
    triggers: ['cancel_after_never_deleted', 'cancel_after_never_truncated'],
    constraints: ['cancel_after_cause', 'cancel_after_fired'],
    keys: { cancel_after_pkey: ['user_id'] },
  },
  fix_sessions: {
    triggers: ['fix_sessions_only_up', 'fix_sessions_never_deleted', 'fix_sessions_never_truncated'],
    constraints: ['fix_sessions_id', 'fix_sessions_numbers', 'fix_sessions_place', 'fix_sessions_attempt'],
    keys: { fix_sessions_pkey: ['id'] },
  },
  fix_sent: {
    triggers: ['fix_sent_never_updated', 'fix_sent_never_deleted', 'fix_sent_never_truncated'],
    constraints: ['fix_sent_session_fkey', 'fix_sent_number', 'fix_sent_content'],
    keys: {
      fix_sent_pkey: ['session', 'series', 'number'],
      fix_sent_reports: ['session', 'order_id', 'version'],
    },
  },
  fix_due: {
    triggers: ['fix_due_never_updated', 'fix_due_never_truncated'],
    constraints: ['fix_due_session_fkey'],
    keys: { fix_due_pkey: ['session', 'series', 'in_number'] },
  },
  outbox: {
    triggers: [],
    constraints: ['outbox_kind'],
    keys: { outbox_pkey: ['position'] },
  },
  ...adoptionGuards,
}
