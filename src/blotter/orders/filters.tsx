// What narrows the table down: user, ticker, side, status, key. `/` goes there.

import { useCallback, useRef } from 'preact/hooks'
import { statuses } from '../../domain/order.ts'
import { sides } from '../../domain/terms.ts'
import { isFiltered, noFilter, type Filter } from '../model/filter.ts'
import { useKey } from '../ui/keys.ts'
import { statusWords } from './columns.ts'
import './filters.css'

type FiltersProps = { readonly filter: Filter; readonly onFilter: (filter: Filter) => void }

export const Filters = ({ filter, onFilter }: FiltersProps) => {
  const first = useRef<HTMLInputElement>(null)
  useKey(
    '/',
    useCallback(() => first.current?.select(), []),
  )
  const text = (name: 'ticker' | 'user' | 'key') => ({
    value: filter[name],
    onInput: (event: Event) => onFilter({ ...filter, [name]: (event.currentTarget as HTMLInputElement).value }),
    autocomplete: 'off',
    spellcheck: false,
  })
  const choice = (name: 'side' | 'status') => ({
    value: filter[name],
    onChange: (event: Event) => onFilter({ ...filter, [name]: (event.currentTarget as HTMLSelectElement).value }),
  })
  return (
    <form class="orders-filters" role="search" aria-label="Filter orders" onSubmit={(event) => event.preventDefault()}>
      <input
        ref={first}
        type="text"
        aria-label="Ticker"
        placeholder="Ticker"
        aria-keyshortcuts="/"
        size={8}
        {...text('ticker')}
      />
      <select aria-label="Side" {...choice('side')}>
        <option value="">Both sides</option>
        {sides.map((side) => (
          <option key={side} value={side}>
            {side === 'BUY' ? 'Buy' : 'Sell'}
          </option>
        ))}
      </select>
      <select aria-label="Status" {...choice('status')}>
        <option value="">Every status</option>
        <option value="open">Open</option>
        <option value="closed">Ended</option>
        {statuses.map((status) => (
          <option key={status} value={status}>
            {statusWords[status]}
          </option>
        ))}
      </select>
      <input
        type="text"
        aria-label="User, from the beginning of the id"
        placeholder="User"
        size={12}
        {...text('user')}
      />
      <input type="text" aria-label="Client's key or order id" placeholder="Key or id" size={14} {...text('key')} />
      <button type="button" disabled={!isFiltered(filter)} onClick={() => onFilter(noFilter)}>
        Clear
      </button>
    </form>
  )
}
