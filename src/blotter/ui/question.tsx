// A question before something that cannot be taken back. Escape answers no.

import type { ComponentChildren } from 'preact'
import { Dialog } from './dialog.tsx'

type QuestionProps = {
  readonly title: string
  readonly yes: string
  readonly no?: string
  /** Shown where the yes was given and is under way. */
  readonly busy?: boolean
  readonly onYes: () => void
  readonly onNo: () => void
  readonly children?: ComponentChildren
}

export const Question = ({ title, yes, no = 'Keep', busy = false, onYes, onNo, children }: QuestionProps) => (
  <Dialog title={title} onClose={onNo}>
    {children}
    <div class="dialog-buttons">
      <button type="button" autofocus onClick={onNo}>
        {no}
      </button>
      <button type="button" class="danger" disabled={busy} onClick={onYes}>
        {yes}
      </button>
    </div>
  </Dialog>
)
