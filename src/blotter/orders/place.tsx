// The form that places an order. It has the fields that the type and the time in force take, and shows each fault at its field.

import { useEffect, useMemo, useRef, useState } from 'preact/hooks'
import { orderTypes, sides, timesInForce } from '../../domain/terms.ts'
import type { Order } from '../model/order.ts'
import { faultsByField, presenceOf, type Ticket } from '../model/ticket.ts'
import { newKey } from '../service/key.ts'
import type { Service } from '../service/service.ts'
import { Refusal } from '../ui/refusal.tsx'
import { Sheet } from '../ui/sheet.tsx'
import { typeWords } from './columns.ts'
import { Choice, Field } from './field.tsx'
import './place.css'
import { Outcome } from './outcome.tsx'
import { createPlacing, type PlacingState } from './placing.ts'

type PlaceProps = {
  readonly service: Service
  readonly ticket: Ticket
  readonly onTicket: (ticket: Ticket) => void
  readonly onPlaced: (order: Order) => void
  readonly onOpen: (id: string) => void
  readonly onClose: () => void
}

/** The names of the fields that are shown; a fault of another one stands by itself. */
const fieldsOf = (ticket: Ticket): ReadonlySet<string> => {
  const always = ['userId', 'ticker', 'side', 'type', 'timeInForce', 'quantity']
  const byRule = (['price', 'stopPrice', 'displayQuantity', 'postOnly', 'expiresAt'] as const).filter(
    (name) => presenceOf(name, ticket) !== 'forbidden',
  )
  return new Set([...always, ...byRule])
}

export const PlaceSheet = ({ service, ticket, onTicket, onPlaced, onOpen, onClose }: PlaceProps) => {
  const [state, setState] = useState<PlacingState>({ kind: 'editing', problem: null })
  const placing = useMemo(() => createPlacing({ service, newKey, onState: setState }), [service])
  const first = useRef<HTMLInputElement>(null)
  useEffect(() => first.current?.focus(), [])
  useEffect(() => {
    if (state.kind === 'placed' || state.kind === 'exists') onPlaced(state.order)
  }, [state])

  const problem = state.kind === 'editing' ? state.problem : null
  const faults = faultsByField(problem?.errors ?? [], fieldsOf(ticket))
  const isUnderWay = state.kind !== 'editing'
  const change = (part: Partial<Ticket>): void => {
    if (state.kind === 'placed' || state.kind === 'exists' || state.kind === 'voided') placing.begin()
    onTicket({ ...ticket, ...part })
  }
  const text = (name: 'userId' | 'ticker' | 'quantity' | 'price' | 'stopPrice' | 'displayQuantity') => ({
    type: 'text' as const,
    value: ticket[name],
    autocomplete: 'off',
    spellcheck: false,
    ...(name !== 'userId' && name !== 'ticker' && { inputMode: 'decimal' as const, class: 'amount' }),
    onInput: (event: Event) => change({ [name]: (event.currentTarget as HTMLInputElement).value }),
  })
  const shows = (name: 'price' | 'stopPrice' | 'displayQuantity' | 'postOnly' | 'expiresAt') =>
    presenceOf(name, ticket) !== 'forbidden'
  const isLocked = state.kind === 'sending' || state.kind === 'unknown' || state.kind === 'voiding'

  return (
    <Sheet title="New order" onClose={onClose}>
      <form
        class="place"
        noValidate
        onSubmit={(event) => {
          event.preventDefault()
          if (state.kind !== 'editing' && !isLocked) placing.begin()
          void placing.place(ticket)
        }}
      >
        <fieldset class="place-fields" disabled={isLocked}>
          <legend class="only-read">Terms</legend>
          <Choice
            legend="Side"
            name="side"
            value={ticket.side}
            options={sides.map((value) => ({ value, label: value === 'BUY' ? 'Buy' : 'Sell' }))}
            onChoose={(side) => change({ side })}
          />
          <Choice
            legend="Type"
            name="type"
            value={ticket.type}
            options={orderTypes.map((value) => ({ value, label: typeWords[value] }))}
            onChoose={(type) => change({ type })}
          />
          <Field label="Ticker" fault={faults.fields.get('ticker')}>
            <input ref={first} {...text('ticker')} />
          </Field>
          <Field label="Quantity" fault={faults.fields.get('quantity')}>
            <input {...text('quantity')} />
          </Field>
          {shows('price') && (
            <Field label="Price" fault={faults.fields.get('price')}>
              <input {...text('price')} />
            </Field>
          )}
          {shows('stopPrice') && (
            <Field
              label="Stop price"
              hint="Waits for a trade at this price or beyond."
              fault={faults.fields.get('stopPrice')}
            >
              <input {...text('stopPrice')} />
            </Field>
          )}
          <Field label="In force" fault={faults.fields.get('timeInForce')}>
            <select
              value={ticket.timeInForce}
              onChange={(event) => change({ timeInForce: event.currentTarget.value as Ticket['timeInForce'] })}
            >
              {timesInForce.map((one) => (
                <option key={one} value={one}>
                  {timeWords[one]}
                </option>
              ))}
            </select>
          </Field>
          {shows('expiresAt') && (
            <Field label="Until" hint="In your time zone." fault={faults.fields.get('expiresAt')}>
              <input
                type="datetime-local"
                step="1"
                value={ticket.expiresAt}
                onInput={(event) => change({ expiresAt: event.currentTarget.value })}
              />
            </Field>
          )}
          {shows('displayQuantity') && (
            <Field label="Show only" hint="An iceberg; empty: all of it." fault={faults.fields.get('displayQuantity')}>
              <input {...text('displayQuantity')} />
            </Field>
          )}
          {shows('postOnly') && (
            <Field label="Post only" fault={faults.fields.get('postOnly')}>
              <input
                type="checkbox"
                checked={ticket.postOnly}
                onChange={(event) => change({ postOnly: event.currentTarget.checked })}
              />
            </Field>
          )}
          <Field label="User" hint="A UUID; empty: whoever the credential names." fault={faults.fields.get('userId')}>
            <input {...text('userId')} />
          </Field>
        </fieldset>
        {problem !== null && (problem.errors.length === 0 || faults.others.length > 0) && <Refusal problem={problem} />}
        <Outcome state={state} placing={placing} onOpen={onOpen} />
        {!isLocked && (
          <button type="submit" class="primary">
            {ticket.side === 'BUY' ? 'Place buy order' : 'Place sell order'}
          </button>
        )}
        <p class="only-read" role="status">
          {isUnderWay ? '' : faults.fields.size > 0 ? `${faults.fields.size} fields have to be changed` : ''}
        </p>
      </form>
    </Sheet>
  )
}

const timeWords = {
  GTC: 'GTC, until canceled',
  DAY: 'DAY, until the close',
  GTD: 'GTD, until a date',
  IOC: 'IOC, at once or cancel the rest',
  FOK: 'FOK, all at once or nothing',
} as const satisfies Record<Ticket['timeInForce'], string>
