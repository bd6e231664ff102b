// Statements whose text is put together once, at the start, from tables of this code. The driver takes such a text like a template.
// Fragments would read better, but each of them is a query object that the driver makes anew for every statement.

/**
 * A text as the driver takes it: the parts between its parameters, `n + 1` parts for `n` parameters. Use it only for text that is put
 * together from tables of this code, never for anything that came in.
 */
export const sqlText = (parts: readonly string[]): TemplateStringsArray =>
  Object.assign([...parts], { raw: parts }) as TemplateStringsArray

/** Marks the place of a parameter in a statement. */
export const parameter = sqlText(['', ''])

/**
 * The text of a whole statement. A hole is `${parameter}` for a value, or text or another sqlText for a part of the statement. Run it by
 * `sql(statement, ...values)`, with one value per parameter.
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
