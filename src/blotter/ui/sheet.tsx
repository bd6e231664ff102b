// What opens beside the table: the life of an order, a form. Escape closes it; on a narrow screen it covers the table.

import type { ComponentChildren } from 'preact'
import { useEffect, useId } from 'preact/hooks'
import { useKey } from './keys.ts'
import './sheet.css'

type SheetProps = { readonly title: string; readonly onClose: () => void; readonly children: ComponentChildren }

export const Sheet = ({ title, onClose, children }: SheetProps) => {
  const id = useId()
  useKey('Escape', onClose)
  // Whoever opened it by a key gets his place back.
  useEffect(() => {
    const before = document.activeElement
    return () => {
      if (before instanceof HTMLElement && before.isConnected) before.focus()
    }
  }, [])
  return (
    <aside class="sheet" aria-labelledby={id}>
      <div class="sheet-head">
        <h2 id={id}>{title}</h2>
        <button type="button" aria-keyshortcuts="Escape" onClick={onClose}>
          Close
        </button>
      </div>
      <div class="sheet-body">{children}</div>
    </aside>
  )
}
