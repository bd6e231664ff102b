// What a refusal of the service says to a person.

import type { Access } from '../client/access.ts'
import { accessRefusal, problemOf } from '../client/failure.ts'
import { member, objectIn, objectsIn, withoutControls, type Members } from '../client/text.ts'
import { parseExactJson } from '../wire/json.ts'
import type { Answer } from './call.ts'

/** The object that this text holds; empty if it holds none. */
export const objectOf = (text: string): Members => {
  try {
    return objectIn({ value: parseExactJson(text) }, 'value') ?? {}
  } catch {
    return {}
  }
}

/** One sentence, and a line for each fault that it does not name. `what` completes "this credential may not …". */
export const refusalText = ({ status, text }: Answer, what: string, access: Access): string => {
  const { code, detail } = problemOf(text)
  const said = detail === '' ? '' : `: ${detail}`
  if (status === 401 || status === 403)
    return withoutControls(`${accessRefusal(status, what, Object.keys(access.headers).length > 0)}${said}`)
  if (code === '') return `the service answers ${status}, which is no answer of the order service: look at --url`
  const faults = objectsIn(objectOf(text), 'errors').flatMap((fault) => {
    const words = member(fault, 'detail')
    return detail.includes(words) ? [] : [`\n  ${member(fault, 'pointer')} ${words}`]
  })
  return `${withoutControls(detail === '' ? `${status} ${code}` : detail)}${faults.join('')}`
}
