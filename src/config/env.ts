// Environment variables as text.

export type Env = Readonly<Record<string, string | undefined>>

/** The trimmed value of `key`; an empty one counts as unset. */
export const given = (env: Env, key: string): string | undefined => {
  const value = env[key]?.trim()
  return value === '' ? undefined : value
}

/**
 * The value of `key` with its spaces, which may belong to a password; an empty one counts as unset. A file of variables with the
 * line ends of Windows leaves a carriage return at the end of each value, which belongs to none.
 */
export const verbatim = (env: Env, key: string): string | undefined => {
  const value = env[key]?.replace(/\r+$/, '')
  return value === '' ? undefined : value
}
