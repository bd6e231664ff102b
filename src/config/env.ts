// Environment variables as text.

export type Env = Readonly<Record<string, string | undefined>>

/** The trimmed value of `key`; an empty one counts as unset. */
export const variable = (env: Env, key: string): string | undefined => {
  const value = env[key]?.trim()
  return value === '' ? undefined : value
}

/**
 * The value of `key` with its spaces, which may belong to a password; an empty one counts as unset. A carriage return at the end is
 * dropped: a file of variables with Windows line ends leaves one after each value.
 */
export const verbatim = (env: Env, key: string): string | undefined => {
  const value = env[key]?.replace(/\r+$/, '')
  return value === '' ? undefined : value
}
