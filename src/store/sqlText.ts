// Statements whose text is put together from tables of this code, once, at the start. The driver takes such a text as it takes a
// template. Fragments would read better, but each of them is a query object that the driver makes anew for every statement.

/**
 * A text as the driver takes it: the parts between its parameters, `n + 1` of them for `n` parameters. Only for what was put together
 * from tables of this code, never for anything that came in.
 */
export const sqlText = (parts: readonly string[]): TemplateStringsArray =>
  Object.assign([...parts], { raw: parts }) as TemplateStringsArray

/** Stands in a statement where a parameter goes. */
export const parameter = sqlText(['', ''])

/**
 * The text of a whole statement: `${parameter}` for each value, text or another sqlText for what is put together. Run it by
 * `sql(statement, ...values)`, with a value for each parameter.
 */
export const statementText = (strings: TemplateStringsArray, ...holes: readonly (string | TemplateStringsArray)[]) => {
  const parts = [strings[0]!]
  for (const [i, hole] of holes.entries()) {
    const [first = '', ...others] = typeof hole === 'string' ? [hole] : hole
    parts[parts.length - 1] += first
    parts.push(...others)
    parts[parts.length - 1] += strings[i + 1]!
  }
  return sqlText(parts)
}
