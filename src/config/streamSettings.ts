// Settings of what follows the log: streams, polling, and how far back a cursor may lie.

import { eventsPageMax } from '../http/stream/query.ts'
import { int, ms } from './readers.ts'
import type { Setting } from './setting.ts'

export const streamSettings = {
  STREAMS_MAX: {
    read: int(12_000, 0, 100_000),
    note: 'How many streams (`GET /orders/stream`) may be open. One more is a `429`. Each is an open file of the process.',
  },
  STREAMS_PER_CALLER_MAX: {
    read: int(100, 1, 100_000),
    note: 'How many of them one caller may have, where callers identify themselves.',
  },
  STREAM_BUFFER_MAX_BYTES: {
    read: int(1_048_576, 65_536, 67_108_864),
    note: 'What may wait for the reader of a stream. Beyond it the reader is disconnected, and resumes with its cursor.',
  },
  STREAM_GATHER_MS: {
    read: ms(50, 0, 1_000),
    note: 'A stream that gets change after change has those of so many milliseconds in one write. Who gets few, and the first four of a burst, has each at once. `0`: always at once.',
  },
  EVENTS_POLL_MS: {
    read: ms(20, 1, 10_000),
    note: 'How often a replica looks for changes that other replicas made, while somebody follows. It sees its own at once.',
  },
  EVENTS_RING_MAX_BYTES: {
    read: int(33_554_432, 0, 1_073_741_824),
    note: 'How much of the newest events a replica keeps in memory, while somebody follows. Who resumes there costs Postgres nothing.',
  },
  EVENTS_PAGE_MAX: {
    read: int(eventsPageMax, 1, eventsPageMax),
    note: 'The largest `limit` of `GET /events`.',
  },
  EVENTS_CURSOR_MAX_AGE_MS: {
    read: ms(86_400_000, 1_000, 604_800_000),
    note: 'An older cursor is not resumed: a stream begins anew, polling is a `410`.',
  },
  EVENTS_RESUME_MAX_EVENTS: {
    read: int(1_000_000, 1, 100_000_000),
    note: 'The same for a cursor with more events behind it.',
  },
} as const satisfies Readonly<Record<string, Setting<unknown>>>
