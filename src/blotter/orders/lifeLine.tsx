// The events of an order as a line of time, the oldest first.

import { causeText, eventTitle, type LifeEvent } from '../model/event.ts'
import { dayText, exactTime, isUtc, utcTime } from '../ui/times.ts'

const When = ({ at }: { at: string | null }) =>
  at === null ? (
    <span class="life-when">before the log</span>
  ) : (
    <time class="life-when" dateTime={at} title={utcTime(at)}>
      <span>{exactTime(at)}</span>
      <span class="life-utc">{dayText(at)}</span>
      {isUtc() ? null : <span class="life-utc">{at.slice(11, 23)} UTC</span>}
    </time>
  )

const What = ({ event }: { event: LifeEvent }) => {
  const { fill, reason, filledQuantity, remainingQuantity } = event
  return (
    <div class="life-what">
      <strong>{eventTitle(event)}</strong>
      {fill === null ? null : (
        <span class="amount">
          {' '}
          {fill.quantity} at {fill.price}
        </span>
      )}
      {reason === null ? null : (
        <span class="life-reason">{[reason.code, reason.text].filter(Boolean).join(': ')}</span>
      )}
      <span class="life-cause">{causeText(event)}</span>
      {fill === null ? null : <span class="life-cause">trade {fill.tradeId}</span>}
      <span class="life-cause">
        filled <span class="amount">{filledQuantity}</span>, remaining <span class="amount">{remainingQuantity}</span>
      </span>
    </div>
  )
}

export const LifeLine = ({ events, more }: { events: readonly LifeEvent[]; more: boolean }) => (
  <>
    <ol class="life-line">
      {events.map((event) => (
        <li key={event.version} data-kind={event.kind}>
          <When at={event.at} />
          <What event={event} />
        </li>
      ))}
    </ol>
    {more ? <p class="life-cause">More events follow: GET /orders/…/events has all of them.</p> : null}
  </>
)
