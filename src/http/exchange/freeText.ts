// Free text of an operator: who did something, and why.

import { Type } from '@sinclair/typebox'

/** Free text, its length in UTF-16 units. It must not have control characters, because it goes to logs and to Postgres. */
export const freeText = (lengthMax: number) => ({
  schema: Type.String({ minLength: 1, maxLength: lengthMax, pattern: '^[^\\u0000-\\u001f\\u007f-\\u009f]*$' }),
  isValid: (value: unknown): value is string =>
    typeof value === 'string' && value.length >= 1 && value.length <= lengthMax && !/[\p{Cc}\p{Cs}]/u.test(value),
  rule: `must be text of 1 to ${lengthMax} characters without controls`,
})
