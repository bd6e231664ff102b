// A field of a form with its name, and its fault below it.

import type { ComponentChildren, JSX } from 'preact'
import { cloneElement } from 'preact'
import { useId } from 'preact/hooks'
import './field.css'

type FieldProps = {
  readonly label: string
  readonly hint?: string
  readonly fault?: string | undefined
  readonly children: JSX.Element
}

export const Field = ({ label, hint, fault, children }: FieldProps) => {
  const id = useId()
  const described = [hint === undefined ? '' : `${id}-hint`, fault === undefined ? '' : `${id}-fault`]
  return (
    <div class={`field ${fault === undefined ? '' : 'is-faulty'}`}>
      <label for={id}>{label}</label>
      {cloneElement(children, {
        id,
        'aria-invalid': fault === undefined ? undefined : 'true',
        'aria-describedby': described.join(' ').trim() || undefined,
      })}
      {hint === undefined ? null : (
        <span class="field-hint" id={`${id}-hint`}>
          {hint}
        </span>
      )}
      {fault === undefined ? null : (
        <span class="field-fault" id={`${id}-fault`}>
          {fault}
        </span>
      )}
    </div>
  )
}

/** A choice of a few words, all of them seen. */
export const Choice = <T extends string>(props: {
  readonly legend: string
  readonly name: string
  readonly value: T
  readonly options: readonly { readonly value: T; readonly label: ComponentChildren }[]
  readonly onChoose: (value: T) => void
}) => (
  <fieldset class="choice">
    <legend>{props.legend}</legend>
    {props.options.map(({ value, label }) => (
      <label key={value} data-value={value}>
        <input
          type="radio"
          name={props.name}
          value={value}
          checked={props.value === value}
          onChange={() => props.onChoose(value)}
        />
        <span>{label}</span>
      </label>
    ))}
  </fieldset>
)
