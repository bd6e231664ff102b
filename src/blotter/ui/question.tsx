// A question before something that cannot be taken back. Escape answers no.

import type { ComponentChildren } from 'preact'
import { useEffect, useId, useRef } from 'preact/hooks'
import './question.css'

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

export const Question = ({ title, yes, no = 'Keep', busy = false, onYes, onNo, children }: QuestionProps) => {
  const dialog = useRef<HTMLDialogElement>(null)
  const id = useId()
  useEffect(() => dialog.current!.showModal(), [])
  return (
    <dialog
      ref={dialog}
      class="question"
      aria-labelledby={id}
      onCancel={(event) => {
        event.preventDefault()
        onNo()
      }}
    >
      <h2 id={id}>{title}</h2>
      <div class="question-body">{children}</div>
      <div class="question-answers">
        <button type="button" autofocus onClick={onNo}>
          {no}
        </button>
        <button type="button" class="danger" disabled={busy} onClick={onYes}>
          {yes}
        </button>
      </div>
    </dialog>
  )
}
