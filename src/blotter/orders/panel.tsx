// The orders, as they change: the table with its filters, and beside it the life of an order or the form that places one.

import { useCallback, useState } from 'preact/hooks'
import type { Feed } from '../feed/feed.ts'
import { isFiltered, noFilter } from '../model/filter.ts'
import { emptyTicket } from '../model/ticket.ts'
import { mayTry } from '../service/access.ts'
import { EmptyState } from '../ui/emptyState.tsx'
import { useKey } from '../ui/keys.ts'
import type { PanelProps } from '../ui/panel.ts'
import { useFeed } from '../ui/useFeed.ts'
import { CancelMany } from './cancelMany.tsx'
import { Filters } from './filters.tsx'
import { LifeSheet } from './life.tsx'
import './panel.css'
import { PlaceSheet } from './place.tsx'
import { OrdersTable } from './table.tsx'

type Beside = { readonly kind: 'life'; readonly id: string } | { readonly kind: 'place' } | null

const Counts = ({ feed }: { feed: Feed }) => {
  const all = useFeed(feed, ({ book }) => book.counts().all)
  const open = useFeed(feed, ({ book }) => book.counts().open)
  return (
    <span class="orders-counts">
      <span class="amount">{open}</span> open of <span class="amount">{all}</span>
    </span>
  )
}

/** What stands over the table where it has no row. */
const Nothing = ({ feed, isNarrowed }: { feed: Feed; isNarrowed: boolean }) => {
  const rows = useFeed(feed, ({ book }) => book.rows().length)
  const state = useFeed(feed, (one) => one.state())
  if (rows > 0) return null
  if (state.kind === 'refused') return <EmptyState title="No orders are shown">{state.reason}</EmptyState>
  if (state.kind === 'connecting' || state.kind === 'snapshot') return <EmptyState title="Reading orders" />
  if (isNarrowed)
    return <EmptyState title="No order matches">Clear the filters to see all of those that this page knows.</EmptyState>
  return (
    <EmptyState title="No orders yet">
      Press n to place one, or send <code>POST /orders</code>: it appears here as it is accepted.
    </EmptyState>
  )
}

export const OrdersPanel = ({ service, access, feed }: PanelProps) => {
  const [filter, setFilter] = useState(noFilter)
  const [ticket, setTicket] = useState(emptyTicket)
  const [beside, setBeside] = useState<Beside>(null)
  const mayWrite = mayTry(access, 'orders:write')
  const place = useCallback(() => mayWrite && setBeside({ kind: 'place' }), [mayWrite])
  const open = useCallback((id: string) => setBeside({ kind: 'life', id }), [])
  const close = useCallback(() => setBeside(null), [])
  useKey('n', place)

  return (
    <div class={`orders ${beside === null ? '' : 'has-sheet'}`}>
      <div class="orders-bar">
        <Filters filter={filter} onFilter={setFilter} />
        <Counts feed={feed} />
        {mayWrite ? (
          <>
            <CancelMany service={service} filter={filter} />
            <button type="button" class="primary" aria-keyshortcuts="n" onClick={place}>
              New order
            </button>
          </>
        ) : null}
      </div>
      <div class="orders-rows">
        <OrdersTable feed={feed} filter={filter} selected={beside?.kind === 'life' ? beside.id : null} onOpen={open} />
        <div class="orders-nothing">
          <Nothing feed={feed} isNarrowed={isFiltered(filter)} />
        </div>
      </div>
      {beside?.kind === 'life' ? (
        <LifeSheet service={service} feed={feed} id={beside.id} mayCancel={mayWrite} onClose={close} />
      ) : null}
      {beside?.kind === 'place' ? (
        <PlaceSheet
          service={service}
          ticket={ticket}
          onTicket={setTicket}
          onPlaced={(order) => feed.put([{ order, kind: null }])}
          onOpen={open}
          onClose={close}
        />
      ) : null}
    </div>
  )
}
