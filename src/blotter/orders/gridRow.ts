// A row of the table that is used again and again: its texts are set where they differ, and no element is made while rows change.

import type { Order } from '../model/order.ts'
import { aligned, type Column } from './columns.ts'

type Cell = {
  readonly column: Column
  readonly element: HTMLElement
  readonly label: Text
  readonly bar: HTMLElement | null
  text: string
  share: number
}

export type GridRow = {
  readonly element: HTMLElement
  /** The order that it shows; null: none. */
  readonly order: () => Order | null
  /** `fractions`: by column, the digits after the point that its amounts are aligned to. */
  readonly show: (order: Order, at: RowPlace, fractions: readonly number[]) => void
  readonly hide: () => void
  readonly flash: () => void
}

/** `index`: among all rows. */
type RowPlace = { readonly index: number; readonly top: number; readonly isSelected: boolean }

const flashMs = 1_100
const still = matchMedia('(prefers-reduced-motion: reduce)')

const cellOf = (column: Column, index: number): Cell => {
  const element = document.createElement('span')
  element.role = 'gridcell'
  element.className = `orders-cell is-${column.id}${column.amount === true ? ' is-amount' : ''}`
  element.ariaColIndex = String(index + 1)
  const bar = column.share === undefined ? null : document.createElement('i')
  if (bar !== null) element.append(bar)
  const label = document.createTextNode('')
  element.append(label)
  return { column, element, label, bar, text: '', share: -1 }
}

const showCell = (cell: Cell, order: Order, fraction: number): void => {
  const plain = cell.column.text(order)
  const text = cell.column.amount === true ? aligned(plain, fraction) : plain
  if (text !== cell.text) {
    cell.text = text
    cell.label.data = text
  }
  if (cell.bar === null) return
  const share = cell.column.share!(order)
  if (share === cell.share) return
  cell.share = share
  cell.bar.style.transform = `scaleX(${share})`
}

export const createGridRow = (columns: readonly Column[], id: string): GridRow => {
  const element = document.createElement('div')
  element.role = 'row'
  element.id = id
  element.className = 'orders-row'
  const cells = columns.map(cellOf)
  element.append(...cells.map((cell) => cell.element))
  let shown: Order | null = null
  let place: RowPlace | null = null
  let animation: Animation | null = null

  const move = (next: RowPlace): void => {
    if (next.top !== place?.top) element.style.transform = `translateY(${next.top}px)`
    // The row of titles is the first.
    if (next.index !== place?.index) element.ariaRowIndex = String(next.index + 2)
    if (next.isSelected !== place?.isSelected) element.ariaSelected = String(next.isSelected)
    if (place === null) element.hidden = false
    place = next
  }

  return {
    element,
    order: () => shown,
    show(order, next, fractions) {
      if (order.id !== shown?.id) animation?.cancel()
      if (order.status !== shown?.status) element.dataset['status'] = order.status
      if (order.side !== shown?.side) element.dataset['side'] = order.side
      cells.forEach((cell, at) => showCell(cell, order, fractions[at]!))
      shown = order
      move(next)
    },
    hide() {
      if (place === null) return
      element.hidden = true
      place = null
      shown = null
    },
    flash() {
      if (still.matches || animation?.playState === 'running') return
      animation = element.animate([{ backgroundColor: 'var(--flash)' }, {}], { duration: flashMs, easing: 'ease-out' })
    },
  }
}
