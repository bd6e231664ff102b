// Settings of the session calendar, and of how orders expire.

import { isTimeZone, timePattern, weekdays } from '../domain/session.ts'
import { variable } from './env.ts'
import { int, listOf, ms, path, text, type Reader } from './readers.ts'
import type { Setting } from './setting.ts'

const timeZone =
  (fallback: string): Reader<string> =>
  (key, env, faults) => {
    const value = variable(env, key) ?? fallback
    if (isTimeZone(value)) return value
    faults.push(`${key} must be a time zone such as Europe/London`)
    return fallback
  }

const aDayMs = 86_400_000

export const expirySettings = {
  SESSION_CLOSE: {
    read: text('00:00', timePattern, 'must be HH:MM, from 00:00 to 23:59'),
    note: 'When the session closes, `HH:MM`: `DAY` orders expire at the next close. `00:00` is the midnight that ends the day.',
  },
  SESSION_TIME_ZONE: {
    read: timeZone('UTC'),
    note: 'The time zone of the session, such as `America/New_York`. A close that daylight saving skips comes as much later as was skipped; of one that comes twice the first counts.',
  },
  SESSION_DAYS: {
    read: listOf(weekdays, weekdays),
    note: 'The days on which a session closes, such as `MON,TUE,WED,THU,FRI`.',
  },
  SESSION_HOLIDAYS_FILE: {
    read: path,
    note: 'Dates without a session, `YYYY-MM-DD`, or with an early close, `YYYY-MM-DD HH:MM`; one a line, `#` begins a comment. It is read again when it changes. Orders that were accepted before keep their `expiresAt`.',
  },
  GTC_MAX_DAYS: {
    read: int(0, 0, 36_500),
    note: 'After how many days (of 24 hours) a `GTC` order expires. `0`: never.',
  },
  GTD_MAX_DAYS: {
    read: int(366, 1, 36_500),
    note: 'How many days ahead the `expiresAt` of a `GTD` order may lie.',
  },
  EXPIRY_SETTLE_MS: {
    read: ms(2_000, 0),
    note: 'Fills count for an expiring order as long as they reach the trade topic within this time after the broker has acknowledged its cancellation. It is the time that the engine needs to read it.',
  },
  IMMEDIATE_GRACE_MS: {
    read: ms(0, 0, aDayMs),
    note: 'For an engine without reports: how long after its publication an `IOC`, `FOK` or `MARKET` order may be open before the service ends what remains of it. Set it above the longest backlog of the engine. `0`: never.',
  },
} as const satisfies Readonly<Record<string, Setting<unknown>>>
