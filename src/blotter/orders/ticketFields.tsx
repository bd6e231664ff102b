// The fields of an order: those that its type and its time in force take, and no others.

import { useEffect, useRef } from 'preact/hooks'
import { orderTypes, sides } from '../../domain/terms.ts'
import { fieldsOf, timesInForceOf, withType, type Ticket } from '../model/ticket.ts'
import { typeWords } from './columns.ts'
import { Choice, Field } from './field.tsx'

type TicketFieldsProps = {
  readonly ticket: Ticket
  /** By the name of the field. */
  readonly faults: ReadonlyMap<string, string>
  readonly onChange: (ticket: Ticket) => void
}

type TextName = 'userId' | 'ticker' | 'quantity' | 'price' | 'stopPrice' | 'displayQuantity'

const timeWords = {
  GTC: 'GTC, until canceled',
  DAY: 'DAY, until the close',
  GTD: 'GTD, until a date',
  IOC: 'IOC, at once or cancel the rest',
  FOK: 'FOK, all at once or nothing',
} as const satisfies Record<Ticket['timeInForce'], string>

/** A field of text, if the order takes it. */
const TextField = (
  props: TicketFieldsProps & {
    readonly name: TextName
    readonly label: string
    readonly hint?: string
    readonly first?: true
  },
) => {
  const { ticket, faults, onChange, name, label, hint, first } = props
  const input = useRef<HTMLInputElement>(null)
  useEffect(() => {
    if (first === true) input.current?.focus()
  }, [first])
  if (!fieldsOf(ticket).has(name)) return null
  const isAmount = name !== 'userId' && name !== 'ticker'
  return (
    <Field label={label} fault={faults.get(name)} {...(hint !== undefined && { hint })}>
      <input
        ref={input}
        type="text"
        value={ticket[name]}
        autocomplete="off"
        spellcheck={false}
        inputMode={isAmount ? 'decimal' : undefined}
        class={isAmount ? 'amount' : undefined}
        onInput={(event) => onChange({ ...ticket, [name]: event.currentTarget.value })}
      />
    </Field>
  )
}

const TimeFields = ({ ticket, faults, onChange }: TicketFieldsProps) => (
  <>
    <Field label="In force" fault={faults.get('timeInForce')}>
      <select
        value={ticket.timeInForce}
        onChange={(event) => onChange({ ...ticket, timeInForce: event.currentTarget.value as Ticket['timeInForce'] })}
      >
        {timesInForceOf(ticket.type).map((one) => (
          <option key={one} value={one}>
            {timeWords[one]}
          </option>
        ))}
      </select>
    </Field>
    {fieldsOf(ticket).has('expiresAt') && (
      <Field label="Until" hint="In your time zone." fault={faults.get('expiresAt')}>
        <input
          type="datetime-local"
          step="1"
          value={ticket.expiresAt}
          onInput={(event) => onChange({ ...ticket, expiresAt: event.currentTarget.value })}
        />
      </Field>
    )}
  </>
)

export const TicketFields = (props: TicketFieldsProps) => {
  const { ticket, faults, onChange } = props
  return (
    <>
      <Choice
        legend="Side"
        name="side"
        value={ticket.side}
        options={sides.map((value) => ({ value, label: value === 'BUY' ? 'Buy' : 'Sell' }))}
        onChoose={(side) => onChange({ ...ticket, side })}
      />
      <Choice
        legend="Type"
        name="type"
        value={ticket.type}
        options={orderTypes.map((value) => ({ value, label: typeWords[value] }))}
        onChoose={(type) => onChange(withType(ticket, type))}
      />
      <TextField {...props} name="ticker" label="Ticker" first />
      <TextField {...props} name="quantity" label="Quantity" />
      <TextField {...props} name="price" label="Price" />
      <TextField {...props} name="stopPrice" label="Stop price" hint="Waits for a trade at this price or beyond." />
      <TimeFields {...props} />
      <TextField {...props} name="displayQuantity" label="Show only" hint="An iceberg; empty: all of it." />
      {fieldsOf(ticket).has('postOnly') && (
        <Field label="Post only" fault={faults.get('postOnly')}>
          <input
            type="checkbox"
            checked={ticket.postOnly}
            onChange={(event) => onChange({ ...ticket, postOnly: event.currentTarget.checked })}
          />
        </Field>
      )}
      <TextField {...props} name="userId" label="User" hint="A UUID; empty: whoever the credential names." />
    </>
  )
}
