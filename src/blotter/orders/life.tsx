// The life of an order: its terms, and every event with its time, cause and fill as a line of time. It follows the order.

import { useEffect, useRef, useState } from 'preact/hooks'
import type { Feed } from '../feed/feed.ts'
import { eventFromJson, type LifeEvent } from '../model/event.ts'
import { isOpen, orderFromJson, type Order } from '../model/order.ts'
import type { Problem, Service } from '../service/service.ts'
import { ProblemNote } from '../ui/problem.tsx'
import { Question } from '../ui/question.tsx'
import { Sheet } from '../ui/sheet.tsx'
import { shortTime, zoneName } from '../ui/times.ts'
import { useFeed } from '../ui/useFeed.ts'
import { statusWords, typeWords } from './columns.ts'
import './life.css'
import { LifeLine } from './lifeLine.tsx'

type LifeProps = {
  readonly service: Service
  readonly feed: Feed
  readonly id: string
  readonly mayCancel: boolean
  readonly onClose: () => void
}

/** A page of events has 500 at most; an order with more fills than these pages shows its first ones. */
const pagesMax = 4

const readEvents = async (service: Service, id: string): Promise<{ events: LifeEvent[]; more: boolean } | Problem> => {
  const events: LifeEvent[] = []
  let cursor: string | null = null
  for (let page = 0; page < pagesMax; page++) {
    const query: string = cursor === null ? '' : `&cursor=${encodeURIComponent(cursor)}`
    const { problem, body } = await service.call('GET', `/orders/${id}/events?limit=500${query}`)
    if (problem !== undefined) return problem
    const found = body as { events: readonly unknown[]; nextCursor: string | null }
    events.push(...found.events.map(eventFromJson))
    if (found.nextCursor === null) return { events, more: false }
    cursor = found.nextCursor
  }
  return { events, more: true }
}

const Terms = ({ order }: { order: Order }) => {
  const rows: readonly (readonly [string, string | null, boolean?])[] = [
    ['Quantity', order.quantity, true],
    ['Filled', order.filledQuantity, true],
    ['Remaining', order.remainingQuantity, true],
    ['Price', order.price, true],
    ['Stop price', order.stopPrice, true],
    ['Average', order.averageFillPrice, true],
    ['Last fill', order.lastFillPrice, true],
    ['Shows only', order.displayQuantity, true],
    ['In force', order.timeInForce],
    ['Post only', order.postOnly ? 'yes' : null],
    ['Until', order.expiresAt === null ? null : `${shortTime(order.expiresAt)} ${zoneName()}`],
    ['Ended', order.reason === null ? null : [order.reason.code, order.reason.text].filter(Boolean).join(': ')],
    ['User', order.userId],
    ['Key', order.clientOrderId],
    ['Id', order.id],
  ]
  return (
    <dl class="life-terms">
      {rows
        .filter(([, value]) => value !== null)
        .map(([name, value, isAmount]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd class={isAmount === true || name === 'Id' || name === 'User' || name === 'Key' ? 'amount' : undefined}>
              {value}
            </dd>
          </div>
        ))}
    </dl>
  )
}

/** The order as the feed knows it; one that it does not know is read once. */
const useOrder = ({ feed, service, id }: Pick<LifeProps, 'feed' | 'service' | 'id'>): Order | Problem | null => {
  const followed = useFeed(feed, ({ book }) => book.get(id))
  const [read, setRead] = useState<Order | Problem | null>(null)
  useEffect(() => {
    if (feed.book.get(id) !== undefined) return
    let isShown = true
    const load = async (): Promise<void> => {
      const { problem, body } = await service.call('GET', `/orders/${id}`)
      if (isShown) setRead(problem ?? orderFromJson(body))
    }
    void load()
    return () => {
      isShown = false
    }
  }, [feed, service, id])
  const kept = feed.book.get(id) ?? (followed?.id === id ? followed : undefined)
  return kept ?? read
}

const CancelButton = ({ service, order }: { service: Service; order: Order }) => {
  const [step, setStep] = useState<'idle' | 'asking' | 'sending'>('idle')
  const [problem, setProblem] = useState<Problem | null>(null)
  const cancel = async (): Promise<void> => {
    setStep('sending')
    const answer = await service.call('DELETE', `/orders/${order.id}`)
    setProblem(answer.problem ?? null)
    setStep('idle')
  }
  return (
    <>
      <button type="button" class="danger" disabled={step === 'sending'} onClick={() => setStep('asking')}>
        {step === 'sending' ? 'Canceling' : 'Cancel order'}
      </button>
      {problem === null ? null : <ProblemNote problem={problem} />}
      {step === 'idle' ? null : (
        <Question
          title={`Cancel what remains of this ${order.side === 'BUY' ? 'buy' : 'sell'} order?`}
          yes="Cancel order"
          no="Keep it"
          busy={step === 'sending'}
          onYes={() => void cancel()}
          onNo={() => setStep('idle')}
        >
          <span class="amount">{order.remainingQuantity}</span> {order.ticker} remain; its fills stay.
        </Question>
      )}
    </>
  )
}

export const LifeSheet = (props: LifeProps) => {
  const { service, id, mayCancel, onClose } = props
  const order = useOrder(props)
  const [life, setLife] = useState<{ id: string; events: LifeEvent[]; more: boolean } | null>(null)
  const [problem, setProblem] = useState<Problem | null>(null)
  const version = order !== null && 'version' in order ? order.version : null

  // Answers may come in another order than their questions: an older one never replaces a newer one.
  const reads = useRef({ id, asked: 0, shown: 0 })
  useEffect(() => {
    if (reads.current.id !== id) reads.current = { id, asked: 0, shown: 0 }
    const ofOrder = reads.current
    const turn = ++ofOrder.asked
    const load = async (): Promise<void> => {
      const found = await readEvents(service, id)
      if (ofOrder !== reads.current || turn < ofOrder.shown) return
      ofOrder.shown = turn
      if ('events' in found) setLife({ id, ...found })
      setProblem('events' in found ? null : found)
    }
    void load()
  }, [service, id, version])

  const isHere = order !== null && 'version' in order
  const title = isHere ? `${order.side === 'BUY' ? 'Buy' : 'Sell'} ${order.ticker}` : 'Order'
  return (
    <Sheet title={title} onClose={onClose}>
      <div class="life" data-order={id}>
        {order === null ? <p role="status">Reading the order</p> : null}
        {order !== null && !isHere ? <ProblemNote problem={order} /> : null}
        {isHere ? (
          <>
            <p class="life-status" data-status={order.status}>
              <strong>{statusWords[order.status]}</strong> {typeWords[order.type].toLowerCase()} order, version{' '}
              {order.version}
            </p>
            <Terms order={order} />
            {mayCancel && isOpen(order) ? <CancelButton service={service} order={order} /> : null}
          </>
        ) : null}
        <h3>
          What happened <span>{zoneName()}</span>
        </h3>
        {problem === null ? null : <ProblemNote problem={problem} />}
        {life?.id === id ? (
          <LifeLine events={life.events} more={life.more} />
        ) : problem === null ? (
          <p role="status">Reading its history</p>
        ) : null}
      </div>
    </Sheet>
  )
}
