// Environment variables as text.

export type Env = Readonly<Record<string, string | undefined>>

/** The trimmed value of `key`; an empty one counts as unset. */
export const given = (env: Env, key: string): string | undefined => {
  const value = env[key]?.trim()
  return value === '' ? undefined : value
}
