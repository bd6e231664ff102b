// A moment in the zone of whoever looks, with UTC at hand.

import { shortTime, utcTime } from './times.ts'

/** `at`: ISO 8601. */
export const Instant = ({ at }: { at: string }) => (
  <time dateTime={at} title={utcTime(at)}>
    {shortTime(at)}
  </time>
)
