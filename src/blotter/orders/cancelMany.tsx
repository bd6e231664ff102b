// Cancels every open order of a user, of a ticker, or of both, after a question that says which.

import { useState } from 'preact/hooks'
import type { Filter } from '../model/filter.ts'
import { manyOf } from '../model/many.ts'
import type { Problem, Service } from '../service/service.ts'
import { ProblemNote } from '../ui/problem.tsx'
import { Question } from '../ui/question.tsx'

const whichText = (search: URLSearchParams): string => {
  const side = search.get('side')
  const parts = [
    side === null ? 'every open order' : `every open ${side === 'BUY' ? 'buy' : 'sell'} order`,
    search.has('ticker') ? `in ${search.get('ticker')}` : 'in every ticker',
    search.has('userId') ? `of user ${search.get('userId')}` : 'of every user that you may cancel for',
  ]
  return parts.join(' ')
}

type Outcome = { readonly canceled: number; readonly notCanceled: number; readonly remaining: boolean }

export const CancelMany = ({ service, filter }: { service: Service; filter: Filter }) => {
  const [asked, setAsked] = useState<URLSearchParams | null>(null)
  const [isSending, setSending] = useState(false)
  const [outcome, setOutcome] = useState<Outcome | Problem | null>(null)
  const search = manyOf(filter)

  const cancel = async (): Promise<void> => {
    setSending(true)
    const { problem, body } = await service.call('DELETE', `/orders?${asked!.toString()}`)
    setSending(false)
    if (problem !== undefined) return setOutcome(problem)
    const { canceled, notCanceled, remaining } = body as Record<'canceled' | 'notCanceled', unknown[]> & {
      remaining: boolean
    }
    setOutcome({ canceled: canceled.length, notCanceled: notCanceled.length, remaining })
  }
  const close = (): void => {
    setAsked(null)
    setOutcome(null)
  }

  return (
    <>
      <button
        type="button"
        class="danger"
        disabled={search === null}
        title={search === null ? 'Filter by a whole ticker or a whole user id first' : undefined}
        onClick={() => setAsked(search)}
      >
        Cancel many
      </button>
      {asked === null ? null : (
        <Question
          title={outcome === null ? 'Cancel these orders?' : 'Cancel many'}
          yes={isSending ? 'Canceling' : outcome === null ? 'Cancel them' : 'Again'}
          no={outcome === null ? 'Keep them' : 'Done'}
          busy={isSending}
          onYes={() => void cancel()}
          onNo={close}
        >
          {outcome === null ? (
            <p>This cancels {whichText(asked)}. Fills stay; orders that are placed from now on are left alone.</p>
          ) : 'code' in outcome ? (
            <ProblemNote problem={outcome} />
          ) : (
            <p role="status">
              Canceled {outcome.canceled}.{' '}
              {outcome.notCanceled > 0 ? `${outcome.notCanceled} ended otherwise just then. ` : ''}
              {outcome.remaining ? 'Some remain: cancel again.' : 'None remain.'}
            </p>
          )}
        </Question>
      )}
    </>
  )
}
