// The orders table: its titles, by which it is sorted, and its body, which the grid draws once a frame.

import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks'
import type { Feed } from '../feed/feed.ts'
import type { Filter } from '../model/filter.ts'
import { newestFirst, type Sort } from '../model/sort.ts'
import { columnsFor, type Column } from './columns.ts'
import { createGrid, type Grid } from './grid.ts'
import './table.css'

export type TableProps = {
  readonly feed: Feed
  readonly filter: Filter
  readonly selected: string | null
  readonly onOpen: (id: string) => void
}

const Title = ({
  column,
  index,
  sort,
  onSort,
}: {
  column: Column
  index: number
  sort: Sort
  onSort: (sort: Sort) => void
}) => {
  const { id, title, amount, sorts } = column
  const isSorted = sort.column === id
  const direction = sort.descending ? 'descending' : 'ascending'
  const toggle = (): void =>
    onSort({
      column: id as Sort['column'],
      descending: isSorted ? !sort.descending : id === 'createdAt' || amount === true,
    })
  return (
    <span
      role="columnheader"
      aria-colindex={index + 1}
      aria-sort={isSorted ? direction : undefined}
      class={`orders-title ${amount === true ? 'is-amount' : ''}`}
    >
      {sorts ? (
        <button type="button" onClick={toggle}>
          {title}
          <span aria-hidden="true">{isSorted ? (sort.descending ? ' ↓' : ' ↑') : ''}</span>
        </button>
      ) : (
        title
      )}
    </span>
  )
}

const useWidth = (element: { current: HTMLElement | null }): number => {
  const [width, setWidth] = useState(0)
  useLayoutEffect(() => {
    const node = element.current!
    const observer = new ResizeObserver(() => setWidth(node.clientWidth))
    observer.observe(node)
    setWidth(node.clientWidth)
    return () => observer.disconnect()
  }, [element])
  return width
}

export const OrdersTable = ({ feed, filter, selected, onOpen }: TableProps) => {
  const viewport = useRef<HTMLDivElement>(null)
  const body = useRef<HTMLDivElement>(null)
  const grid = useRef<Grid | null>(null)
  const open = useRef(onOpen)
  open.current = onOpen
  const [sort, setSort] = useState(newestFirst)
  const width = useWidth(viewport)
  const columns = columnsFor(width)
  const shape = columns.map(({ id }) => id).join()

  useLayoutEffect(() => {
    const made = createGrid({
      viewport: viewport.current!,
      body: body.current!,
      columns,
      onOpen: (id) => open.current(id),
    })
    grid.current = made
    let frame = 0
    const draw = (): void => {
      frame = 0
      made.draw(feed.book.rows(), feed.book.takeFlashes())
    }
    draw()
    const stop = feed.onChange(() => (frame ||= requestAnimationFrame(draw)))
    return () => {
      stop()
      cancelAnimationFrame(frame)
      made.close()
    }
  }, [feed, shape])

  useEffect(() => {
    feed.book.show(filter, sort)
    grid.current?.draw(feed.book.rows(), feed.book.takeFlashes())
  }, [feed, filter, sort, shape])
  useEffect(() => grid.current?.select(selected), [selected, shape])

  return (
    <div
      ref={viewport}
      class="orders-table"
      role="grid"
      tabIndex={0}
      aria-label="Orders"
      aria-colcount={columns.length}
    >
      <div role="rowgroup" class="orders-head">
        <div role="row" class="orders-titles" aria-rowindex={1}>
          {columns.map((column, index) => (
            <Title key={column.id} column={column} index={index} sort={sort} onSort={setSort} />
          ))}
        </div>
      </div>
      <div role="rowgroup" class="orders-body" ref={body} />
    </div>
  )
}
