// The reports of a session: the events of the log that concern it, page by page from the place that it kept last.

import type { LogPages } from '../../app/logPages.ts'
import { doorText } from '../../domain/door.ts'
import type { HistoryEvent } from '../../domain/history.ts'
import type { SessionPlace } from '../../store/fixSessions.ts'
import { executionReport } from '../orders/executionReport.ts'
import { concerns, type OrderSession } from '../orders/session.ts'
import type { Outgoing } from '../session/state.ts'

/** What comes after one place up to another; the events are those that the session reports, in order. See FixReports. */
export type ReportPage = { from: SessionPlace | null; to: SessionPlace; events: readonly HistoryEvent[] }

/**
 * Follows the log for a session: `onPage` gets page after page, each once the one before is kept; false ends it. It resolves when it ended,
 * also by `signal`, and never while a page is with `onPage`.
 *
 * A session whose place is null begins now: its first page has no events, and its `from` is null. No order of the session may be placed
 * before that page is kept, else nobody reports what happens to it.
 */
export type ReportFollowing = (
  session: OrderSession,
  from: SessionPlace | null,
  options: { onPage: (page: ReportPage) => Promise<boolean>; signal: AbortSignal },
) => Promise<void>

const originOfEvent = ({ door }: HistoryEvent): string | null => (door === undefined ? null : doorText(door))

const concernsEvent = (session: OrderSession, event: HistoryEvent): boolean =>
  concerns(session, { origin: originOfEvent(event), userId: event.order.userId, cause: event.cause })

export const createReportFollowing =
  (pages: Pick<LogPages, 'follow'>): ReportFollowing =>
  (session, from, following) =>
    pages.follow(
      {
        id: session.id,
        interest: { session: session.id, userIds: session.reports === 'all' ? [...session.users.keys()] : [] },
        concerns: (event) => concernsEvent(session, event),
      },
      from,
      following,
    )

/** The reports of events, to be numbered in this order. The same event makes the same report at any time: also for a resend. */
export const encodeReports = (events: readonly HistoryEvent[], session: OrderSession): Outgoing[] =>
  events.map((event) => executionReport({ event, origin: originOfEvent(event) }, session))
