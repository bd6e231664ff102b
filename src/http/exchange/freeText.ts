// Free text of an operator: who did something, and why.

import { Type } from '@sinclair/typebox'

/** A code point is one or two units of a string, so a long text is refused before its code points are counted. */
const isWithin = (lengthMax: number, text: string): boolean =>
  text.length <= lengthMax || (text.length <= 2 * lengthMax && Array.from(text).length <= lengthMax)

/** Free text, its length in code points, as JSON Schema and Postgres count. It must not have control characters, because it goes to logs and to Postgres. */
export const freeText = (lengthMax: number) => ({
  schema: Type.String({ minLength: 1, maxLength: lengthMax, pattern: '^[^\\u0000-\\u001f\\u007f-\\u009f]*$' }),
  isValid: (value: unknown): value is string =>
    typeof value === 'string' && value !== '' && isWithin(lengthMax, value) && !/[\p{Cc}\p{Cs}]/u.test(value),
  rule: `must be text of 1 to ${lengthMax} characters without controls`,
})
