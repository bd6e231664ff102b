// A moment, in the zone of whoever looks; UTC is at hand.

const time = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' })
const date = new Intl.DateTimeFormat('en-GB', { year: 'numeric', month: 'short', day: 'numeric' })

const isToday = (at: Date): boolean => date.format(at) === date.format(new Date())

/** `at`: ISO 8601. The day stands before it unless it is today. */
export const Instant = ({ at }: { at: string }) => {
  const moment = new Date(at)
  const text = isToday(moment) ? time.format(moment) : `${date.format(moment)} ${time.format(moment)}`
  return (
    <time dateTime={at} title={`${at.replace('T', ' ').replace(/Z$/, '')} UTC`}>
      {text}
    </time>
  )
}
