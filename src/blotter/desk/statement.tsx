// Who does something that others will ask about, and why: asked before every change of the desk. The service keeps both with the change.

import type { ComponentChildren } from 'preact'
import { useId, useState } from 'preact/hooks'
import type { Answer, Problem } from '../service/service.ts'
import { Dialog } from '../ui/dialog.tsx'
import { faultsAt, FieldFaults, ProblemNote } from '../ui/problem.tsx'

type Statement = { by: string; note: string }

/** `members`: what the body calls the two, for the faults of the service. */
export type Question = {
  title: string
  /** What it does. */
  text: string
  action: string
  isDanger?: boolean
  members: { by: string; note: string }
  /** The name of a choice beside it; null where there is none. */
  choice: string | null
  /** Sends it. `chosen`: whether the choice was made. */
  send: (statement: Statement, chosen: boolean) => Promise<Answer>
}

/** Who answered last: the same person asks for the next change, as a rule. In memory alone. */
let lastBy = ''

type FieldProps = {
  label: string
  value: string
  onValue: (value: string) => void
  problem: Problem | undefined
  pointer: string
  isLong?: boolean
}

const Field = ({ label, value, onValue, problem, pointer, isLong = false }: FieldProps) => {
  const id = useId()
  const faults = faultsAt(problem, pointer)
  const attributes = {
    id,
    value,
    required: true,
    'aria-invalid': faults.length > 0,
    'aria-describedby': `${id}-faults`,
    onInput: ({ currentTarget }: { currentTarget: HTMLInputElement | HTMLTextAreaElement }) =>
      // The service takes no controls, and lines are some.
      onValue(currentTarget.value.replaceAll('\n', ' ')),
  }
  return (
    <>
      <label htmlFor={id}>{label}</label>
      {isLong ? <textarea rows={3} maxLength={2000} {...attributes} /> : <input maxLength={200} {...attributes} />}
      <FieldFaults id={`${id}-faults`} faults={faults} />
    </>
  )
}

type Props = { question: Question; onDone: () => void; onClose: () => void; children?: ComponentChildren }

/** `onDone`: it was done. The dialog stays where it was not, and says why. */
export const StatementDialog = ({ question, onDone, onClose, children }: Props) => {
  const { title, text, action, members, choice, send } = question
  const [by, setBy] = useState(lastBy)
  const [note, setNote] = useState('')
  const [chosen, setChosen] = useState(false)
  const [problem, setProblem] = useState<Problem>()
  const [isSending, setIsSending] = useState(false)
  const submit = async (): Promise<void> => {
    setIsSending(true)
    lastBy = by
    const answer = await send({ by, note }, chosen)
    setIsSending(false)
    setProblem(answer.problem)
    if (answer.problem === undefined) onDone()
  }
  const pointers = { by: `/${members.by}`, note: `/${members.note}` }
  return (
    <Dialog title={title} onClose={onClose}>
      <form
        class="statement"
        onSubmit={(event) => {
          event.preventDefault()
          if (!isSending) void submit()
        }}
      >
        <p>{text}</p>
        {children}
        <Field label="Who" value={by} onValue={setBy} problem={problem} pointer={pointers.by} />
        <Field label="Why" value={note} onValue={setNote} problem={problem} pointer={pointers.note} isLong />
        {choice !== null && (
          <label class="statement-choice">
            <input type="checkbox" checked={chosen} onInput={({ currentTarget }) => setChosen(currentTarget.checked)} />
            {choice}
          </label>
        )}
        {problem !== undefined && <ProblemNote problem={problem} shown={Object.values(pointers)} />}
        <div class="dialog-buttons">
          <button type="button" onClick={onClose}>
            Leave it
          </button>
          <button class={question.isDanger === true ? 'danger' : 'primary'} disabled={isSending}>
            {isSending ? 'Sending …' : action}
          </button>
        </div>
      </form>
    </Dialog>
  )
}
