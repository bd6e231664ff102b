// The body of the orders table: of ten thousand rows only those on the screen have an element.

import type { Sorted } from '../model/sort.ts'
import { fractionOf, hasRoomToAlign, type Column } from './columns.ts'
import { createGridRow, type GridRow } from './gridRow.ts'

export const rowHeight = 24
/** Rows above and below the screen that are drawn too, for a scroll of some px. */
const overscan = 4

export type GridOptions = {
  /** What scrolls. */
  readonly viewport: HTMLElement
  /** The titles stand in it above the body; `body` is empty and belongs to the grid. */
  readonly body: HTMLElement
  readonly columns: readonly Column[]
  /** Opens the life of an order. */
  readonly onOpen: (id: string) => void
}

export type Grid = {
  /** Draws these rows. `flashes`: ids of orders that were filled just now. */
  readonly draw: (rows: readonly Sorted[], flashes: ReadonlySet<string>) => void
  readonly select: (id: string | null) => void
  readonly close: () => void
}

/** The row to go to from row `at` of `count`; undefined for a key that is none of the table's. `at` -1: none is selected. */
export const rowAfterKey = (
  key: string,
  at: number,
  { count, page }: { count: number; page: number },
): number | undefined => {
  const last = count - 1
  const targets: Readonly<Record<string, number>> = {
    ArrowDown: at + 1,
    ArrowUp: at - 1,
    PageDown: at + page,
    PageUp: at - page,
    Home: 0,
    End: last,
  }
  const target = targets[key]
  return target === undefined || count === 0 ? undefined : Math.min(last, Math.max(0, target))
}

let grids = 0

export const createGrid = ({ viewport, body, columns, onOpen }: GridOptions): Grid => {
  const prefix = `orders-row-${grids++}-`
  const slots: GridRow[] = []
  let rows: readonly Sorted[] = []
  let selected: string | null = null
  let anchor: { id: string; index: number; offset: number } | null = null

  const headHeight = (): number => body.offsetTop
  const indexOf = (id: string | null): number => (id === null ? -1 : rows.findIndex(({ order }) => order.id === id))

  /** The rows on the screen: the first, and the one after the last. */
  const range = (): { first: number; end: number } => {
    const first = Math.max(0, Math.floor(viewport.scrollTop / rowHeight) - overscan)
    const end = Math.ceil((viewport.scrollTop + viewport.clientHeight - headHeight()) / rowHeight) + overscan
    return { first, end: Math.min(rows.length, end) }
  }

  const growTo = (count: number): void => {
    while (slots.length < count) {
      const row = createGridRow(columns, prefix + slots.length)
      slots.push(row)
      body.append(row.element)
    }
  }

  /** Rows come in above what is read: it keeps its place on the screen. At the top the newest are shown as they come. */
  const keepPlace = (): void => {
    if (anchor === null || viewport.scrollTop < rowHeight) return
    const index = indexOf(anchor.id)
    if (index !== -1 && index !== anchor.index) viewport.scrollTop = index * rowHeight + anchor.offset
  }

  const noteAnchor = (): void => {
    const index = Math.floor(viewport.scrollTop / rowHeight)
    const row = rows[index]
    anchor = row === undefined ? null : { id: row.order.id, index, offset: viewport.scrollTop - index * rowHeight }
  }

  const drawRows = (flashes: ReadonlySet<string>): void => {
    const { first, end } = range()
    growTo(end - first)
    const isAligned = hasRoomToAlign(viewport.clientWidth)
    const fractions = columns.map(({ amount, text }) =>
      amount === true && isAligned ? fractionOf(rows.slice(first, end).map(({ order }) => text(order))) : 0,
    )
    let active = ''
    // A row keeps its element while it is on the screen: that of its index modulo the number of elements.
    const used = new Set<GridRow>()
    for (let index = first; index < end; index++) {
      const row = slots[index % slots.length]!
      const { order } = rows[index]!
      const isSelected = order.id === selected
      row.show(order, { index, top: index * rowHeight, isSelected }, fractions)
      if (isSelected) active = row.element.id
      if (flashes.has(order.id)) row.flash()
      used.add(row)
    }
    for (const row of slots) if (!used.has(row)) row.hide()
    if (active === '') viewport.removeAttribute('aria-activedescendant')
    else viewport.setAttribute('aria-activedescendant', active)
    noteAnchor()
  }

  const none: ReadonlySet<string> = new Set()
  const show = (index: number): void => {
    const top = index * rowHeight
    const room = viewport.clientHeight - headHeight() - rowHeight
    if (top < viewport.scrollTop) viewport.scrollTop = top
    else if (top > viewport.scrollTop + room) viewport.scrollTop = top - room
  }
  const select = (id: string | null): void => {
    selected = id
    drawRows(none)
  }
  const onKey = (event: KeyboardEvent): void => {
    if (event.target !== viewport) return
    if (event.key === 'Enter' && selected !== null) return onOpen(selected)
    const page = Math.max(1, Math.floor(viewport.clientHeight / rowHeight) - 2)
    const next = rowAfterKey(event.key, indexOf(selected), { count: rows.length, page })
    if (next === undefined) return
    event.preventDefault()
    show(next)
    select(rows[next]!.order.id)
  }
  const onClick = ({ target }: Event): void => {
    const row = slots.find(({ element }) => element.contains(target as Node))
    const id = row?.order()?.id
    if (id === undefined) return
    select(id)
    onOpen(id)
  }
  let frame = 0
  const onScroll = (): void => {
    frame ||= requestAnimationFrame(() => {
      frame = 0
      drawRows(none)
    })
  }
  viewport.addEventListener('keydown', onKey)
  viewport.addEventListener('scroll', onScroll, { passive: true })
  body.addEventListener('click', onClick)
  const sizes = new ResizeObserver(onScroll)
  sizes.observe(viewport)

  return {
    draw(next, flashes) {
      if (next !== rows) {
        if (next.length !== rows.length) {
          body.style.height = `${next.length * rowHeight}px`
          viewport.ariaRowCount = String(next.length + 1)
        }
        rows = next
        keepPlace()
      }
      drawRows(flashes)
    },
    select,
    close() {
      viewport.removeEventListener('keydown', onKey)
      viewport.removeEventListener('scroll', onScroll)
      body.removeEventListener('click', onClick)
      sizes.disconnect()
      cancelAnimationFrame(frame)
      body.replaceChildren()
    },
  }
}
