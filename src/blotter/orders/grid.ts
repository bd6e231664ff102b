// The body of the orders table: of ten thousand rows only those on the screen have an element.

import type { Sorted } from '../model/sort.ts'
import { aligned, fractionOf, hasRoomToAlign, leastWidth, tracksOf, type Column } from './columns.ts'
import { rowAfterKey } from './gridKeys.ts'
import { createGridRow, type GridRow } from './gridRow.ts'

const rowHeight = 24
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

/** What is shown: the rows, the one that is selected, and the one at the top, by which the view keeps its place. */
type View = {
  rows: readonly Sorted[]
  selected: string | null
  anchor: { readonly id: string; readonly index: number; readonly offset: number } | null
}

const indexOf = ({ rows }: View, id: string | null): number =>
  id === null ? -1 : rows.findIndex(({ order }) => order.id === id)

/** Where the body of the table is on the screen, in rows and px. */
const createScreen = ({ viewport, body }: Pick<GridOptions, 'viewport' | 'body'>) => {
  const height = (): number => viewport.clientHeight - body.offsetTop
  return {
    /** The rows on the screen: the first, and the one after the last. */
    range(count: number): { first: number; end: number } {
      const first = Math.max(0, Math.floor(viewport.scrollTop / rowHeight) - overscan)
      const end = Math.ceil((viewport.scrollTop + height()) / rowHeight) + overscan
      return { first, end: Math.min(count, end) }
    },
    /** How many rows a page has. */
    page: () => Math.max(1, Math.floor(height() / rowHeight) - 1),
    show(index: number): void {
      const top = index * rowHeight
      const room = height() - rowHeight
      if (top < viewport.scrollTop) viewport.scrollTop = top
      else if (top > viewport.scrollTop + room) viewport.scrollTop = top - room
    },
    /** Rows come in above what is read: it keeps its place. At the top the newest are shown as they come. */
    keepPlace(view: View): void {
      const { anchor } = view
      if (anchor === null || viewport.scrollTop < rowHeight) return
      const index = indexOf(view, anchor.id)
      if (index !== -1 && index !== anchor.index) viewport.scrollTop = index * rowHeight + anchor.offset
    },
    anchorOf({ rows }: View): View['anchor'] {
      const index = Math.floor(viewport.scrollTop / rowHeight)
      const row = rows[index]
      return row === undefined ? null : { id: row.order.id, index, offset: viewport.scrollTop - index * rowHeight }
    },
  }
}

const sumOf = (widths: readonly number[]): number => widths.reduce((sum, width) => sum + width, 0)

/** The widths of the columns: as wide as the longest amount that was on the screen. They do not shrink again, so that nothing jumps about. */
const createWidths = (viewport: HTMLElement, columns: readonly Column[]) => {
  let widths = columns.map(({ least }) => least)
  const apply = (): void => {
    viewport.style.setProperty('--columns', tracksOf(columns, widths))
    viewport.style.setProperty('--least', `${sumOf(widths)}px`)
    const beyond = sumOf(widths.filter((_, i) => columns[i]!.beyond))
    viewport.style.setProperty('--beyond', beyond === 0 ? '0px' : `calc(${beyond}px + 0.5rem)`)
  }
  apply()
  return {
    holdAll(rows: readonly Sorted[], fractions: readonly number[]): void {
      const needed = columns.map((column, i) => {
        if (column.amount !== true) return widths[i]!
        const lengths = rows.map(({ order }) => aligned(column.text(order), fractions[i]!).length)
        return Math.max(widths[i]!, leastWidth(column, Math.max(0, ...lengths)))
      })
      if (needed.every((width, i) => width === widths[i])) return
      widths = needed
      apply()
    },
  }
}

let grids = 0

/** The elements of rows: as many as the screen has room for, each used again for whatever row comes into sight. */
const createSlots = ({ viewport, body, columns }: GridOptions) => {
  const prefix = `orders-row-${grids++}-`
  const slots: GridRow[] = []

  const growTo = (count: number): void => {
    while (slots.length < count) {
      const row = createGridRow(columns, prefix + slots.length)
      slots.push(row)
      body.append(row.element)
    }
  }

  const fractionsOf = (rows: readonly Sorted[]): readonly number[] => {
    const isAligned = hasRoomToAlign(viewport.clientWidth)
    return columns.map(({ amount, text }) =>
      amount === true && isAligned ? fractionOf(rows.map(({ order }) => text(order))) : 0,
    )
  }

  const widths = createWidths(viewport, columns)

  return {
    /** Returns the id of the element of the selected row; null: it is not on the screen. */
    draw({ rows, selected }: View, { first, end }: { first: number; end: number }, flashes: ReadonlySet<string>) {
      growTo(end - first)
      const onScreen = rows.slice(first, end)
      const fractions = fractionsOf(onScreen)
      widths.holdAll(onScreen, fractions)
      const used = new Set<GridRow>()
      let active: string | null = null
      for (let index = first; index < end; index++) {
        // A row keeps its element while it is on the screen.
        const row = slots[index % slots.length]!
        const { order } = rows[index]!
        const isSelected = order.id === selected
        row.show(order, { index, top: index * rowHeight, isSelected }, fractions)
        if (isSelected) active = row.element.id
        if (flashes.has(order.id)) row.flash()
        used.add(row)
      }
      for (const row of slots) if (!used.has(row)) row.hide()
      return active
    },
    orderAt: (target: EventTarget | null) =>
      slots.find(({ element }) => element.contains(target as Node | null))?.order() ?? null,
  }
}

/** Calls back in the next frame, however often it is asked before. */
const onceAFrame = (callback: () => void) => {
  let frame = 0
  const run = (): void => {
    frame = 0
    callback()
  }
  return {
    ask: (): void => void (frame ||= requestAnimationFrame(run)),
    cancel: (): void => cancelAnimationFrame(frame),
  }
}

const none: ReadonlySet<string> = new Set()

export const createGrid = (options: GridOptions): Grid => {
  const { viewport, body, onOpen } = options
  const view: View = { rows: [], selected: null, anchor: null }
  const screen = createScreen(options)
  const slots = createSlots(options)
  const ending = new AbortController()
  const { signal } = ending
  const drawRows = (flashes: ReadonlySet<string> = none): void => {
    const active = slots.draw(view, screen.range(view.rows.length), flashes)
    if (active === null) viewport.removeAttribute('aria-activedescendant')
    else viewport.setAttribute('aria-activedescendant', active)
    view.anchor = screen.anchorOf(view)
  }
  const later = onceAFrame(() => drawRows())
  const select = (id: string | null): void => {
    view.selected = id
    drawRows()
  }
  const onKey = (event: KeyboardEvent): void => {
    if (event.target !== viewport) return
    if (event.key === 'Enter' && view.selected !== null) return onOpen(view.selected)
    const next = rowAfterKey(event.key, indexOf(view, view.selected), { count: view.rows.length, page: screen.page() })
    if (next === undefined) return
    event.preventDefault()
    screen.show(next)
    select(view.rows[next]!.order.id)
  }
  const onClick = ({ target }: Event): void => {
    const order = slots.orderAt(target)
    if (order === null) return
    select(order.id)
    onOpen(order.id)
  }
  viewport.addEventListener('keydown', onKey, { signal })
  viewport.addEventListener('scroll', later.ask, { passive: true, signal })
  body.addEventListener('click', onClick, { signal })
  const sizes = new ResizeObserver(later.ask)
  sizes.observe(viewport)

  return {
    draw(rows, flashes) {
      if (rows !== view.rows) {
        if (rows.length !== view.rows.length) {
          body.style.height = `${rows.length * rowHeight}px`
          // The titles are a row too.
          viewport.ariaRowCount = String(rows.length + 1)
        }
        view.rows = rows
        screen.keepPlace(view)
      }
      drawRows(flashes)
    },
    select,
    close() {
      ending.abort()
      sizes.disconnect()
      later.cancel()
      body.replaceChildren()
    },
  }
}
