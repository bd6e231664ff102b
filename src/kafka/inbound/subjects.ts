// What the inbound topics are about.

import type { CrashPoint } from '../../app/crashPoint.ts'

/** What is read, for the log, and where a test may kill the process. `lost`: what becomes of messages that are deleted unread. */
export const subjects = {
  trades: {
    lost: 'messages were deleted from the trade topic before they were read: their fills are lost here',
    crashPoint: 'after-ledger-before-offset',
  },
  reports: {
    lost: 'messages were deleted from the report topic before they were read: the orders that they ended stay open here',
    crashPoint: 'after-report-before-offset',
  },
} as const satisfies Record<string, { lost: string; crashPoint: CrashPoint }>
export type Subject = keyof typeof subjects
