// What could not be applied, and what somebody did about it.

import type { ComponentChildren } from 'preact'
import { numberText } from '../../wire/json.ts'
import { amountText } from '../ui/amountText.ts'
import { Instant } from '../ui/instant.tsx'
import type { ReportException, Resolution, TradeException } from './answers.ts'

type AnyException = TradeException | ReportException

/** What the message was about. */
const Subject = ({ exception }: { exception: AnyException }): ComponentChildren =>
  'tradeId' in exception ? (
    <>
      {exception.side} <span class="amount">{amountText(exception.quantity)}</span> {exception.ticker} at{' '}
      <span class="amount">{amountText(exception.price)}</span>, trade <code>{exception.tradeId}</code>
    </>
  ) : (
    <>
      {exception.kind} of {exception.ticker}, report <code>{exception.reportId}</code>
      {exception.cumulativeQuantity !== null && (
        <>
          , filled <span class="amount">{amountText(exception.cumulativeQuantity)}</span> in all
        </>
      )}
      {exception.reportReason !== null && `: ${exception.reportReason}`}
    </>
  )

const Resolved = ({ resolution: { resolvedBy, note, resolvedAt } }: { resolution: Resolution }) => (
  <p class="desk-resolved">
    Resolved <Instant at={resolvedAt} /> by {resolvedBy}: {note}
  </p>
)

const One = ({ exception, onResolve }: { exception: AnyException; onResolve: () => void }) => {
  const { disposition, reason, orderId, recordedAt, source, message, resolution } = exception
  return (
    <li class="desk-exception">
      <p class="desk-row">
        <strong class="desk-disposition">{disposition}</strong>
        <Instant at={recordedAt} />
        {resolution === null && (
          <button type="button" onClick={onResolve} aria-label={`Resolve ${disposition} of order ${orderId}`}>
            Resolve
          </button>
        )}
      </p>
      <p>
        <Subject exception={exception} />
      </p>
      <p>{reason}</p>
      <p class="desk-soft">
        Order <code>{orderId}</code>
      </p>
      {resolution !== null && <Resolved resolution={resolution} />}
      <details>
        <summary>The message as received</summary>
        <p class="desk-soft">
          {source.topic}, partition {numberText(source.partition)}, offset {numberText(source.offset)}
        </p>
        <pre tabIndex={0}>{message}</pre>
      </details>
    </li>
  )
}

type Props = {
  exceptions: readonly AnyException[]
  isCut: boolean
  /** What stands where there are none. */
  none: string
  onResolve: (exception: AnyException) => void
}

export const Exceptions = ({ exceptions, isCut, none, onResolve }: Props) => {
  if (exceptions.length === 0) return <p class="desk-soft">{none}</p>
  return (
    <>
      <ul class="desk-exceptions">
        {exceptions.map((exception) => (
          <One key={exception.id} exception={exception} onResolve={() => onResolve(exception)} />
        ))}
      </ul>
      {isCut && <p class="desk-soft">These are the newest {exceptions.length}; the others: GET /exceptions.</p>}
    </>
  )
}
