// Places an order: the form, what became of each attempt, and each fault at its field.

import { useEffect, useMemo, useState } from 'preact/hooks'
import type { Order } from '../model/order.ts'
import { faultsByField, fieldsOf, type Ticket } from '../model/ticket.ts'
import { newKey } from '../service/key.ts'
import type { Service } from '../service/service.ts'
import { ProblemNote } from '../ui/problem.tsx'
import { Sheet } from '../ui/sheet.tsx'
import { Outcome } from './outcome.tsx'
import './place.css'
import { createPlacing, type PlacingState } from './placing.ts'
import { TicketFields } from './ticketFields.tsx'

type PlaceProps = {
  readonly service: Service
  readonly ticket: Ticket
  readonly onTicket: (ticket: Ticket) => void
  readonly onPlaced: (order: Order) => void
  readonly onOpen: (id: string) => void
  readonly onClose: () => void
}

/** Nobody may change the terms of an attempt whose outcome is to come. */
const isLocked = ({ kind }: PlacingState): boolean => kind === 'sending' || kind === 'unknown' || kind === 'voiding'

export const PlaceSheet = ({ service, ticket, onTicket, onPlaced, onOpen, onClose }: PlaceProps) => {
  const [state, setState] = useState<PlacingState>({ kind: 'editing', problem: null })
  const placing = useMemo(() => createPlacing({ service, newKey, onState: setState }), [service])
  useEffect(() => {
    if (state.kind === 'placed' || state.kind === 'exists') onPlaced(state.order)
  }, [state])

  const problem = state.kind === 'editing' ? state.problem : null
  const faults = faultsByField(problem?.errors ?? [], fieldsOf(ticket))
  const locked = isLocked(state)
  const submit = (event: Event): void => {
    event.preventDefault()
    if (!locked && state.kind !== 'editing') placing.begin()
    void placing.place(ticket)
  }
  const change = (next: Ticket): void => {
    if (!locked && state.kind !== 'editing') placing.begin()
    onTicket(next)
  }

  return (
    <Sheet title="New order" onClose={onClose}>
      <form class="place" noValidate onSubmit={submit}>
        <fieldset class="place-fields" disabled={locked}>
          <legend class="only-read">Terms</legend>
          <TicketFields ticket={ticket} faults={faults.fields} onChange={change} />
        </fieldset>
        {problem !== null && (problem.errors.length === 0 || faults.others.length > 0) && (
          <ProblemNote problem={{ ...problem, errors: faults.others }} />
        )}
        <Outcome state={state} placing={placing} onOpen={onOpen} />
        {!locked && (
          <button type="submit" class="primary">
            {ticket.side === 'BUY' ? 'Place buy order' : 'Place sell order'}
          </button>
        )}
        <p class="only-read" role="status">
          {faults.fields.size > 0 ? `To be changed: ${[...faults.fields.keys()].join(', ')}` : ''}
        </p>
      </form>
    </Sheet>
  )
}
