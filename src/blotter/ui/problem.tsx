// A refusal, in the words of the service, at the place that it is about.

import type { Fault } from '../model/ticket.ts'
import type { Problem } from '../service/service.ts'
import './problem.css'

/** The faults of a member of the body (`/note`) or of a parameter (`?ticker`). */
export const faultsAt = (problem: Problem | undefined, pointer: string): readonly Fault[] =>
  (problem?.errors ?? []).filter((fault) => fault.pointer === pointer)

/** What a refusal says beside the faults of the fields that are shown. */
export const ProblemNote = ({ problem, shown = [] }: { problem: Problem; shown?: readonly string[] }) => {
  const rest = problem.errors.filter(({ pointer }) => !shown.includes(pointer))
  return (
    <div class="problem" role="alert">
      <strong>{problem.title}</strong>
      {problem.detail !== '' && <span>{problem.detail}</span>}
      <code>{problem.code}</code>
      {rest.map(({ pointer, detail }) => (
        <span key={pointer}>
          <code>{pointer}</code> {detail}
        </span>
      ))}
    </div>
  )
}

/** Below the field whose `aria-describedby` is this id. */
export const FieldFaults = ({ id, faults }: { id: string; faults: readonly Fault[] }) => (
  <span class="problem-field" id={id}>
    {faults.map(({ detail }) => detail).join('; ')}
  </span>
)
