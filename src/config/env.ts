// Environment variables as text.

export type Env = Readonly<Record<string, string | undefined>>

/** The trimmed value of `key`; an empty one counts as unset. */
export const variable = (env: Env, key: string): string | undefined => {
  const value = env[key]?.trim()
  return value === '' ? undefined : value
}

/**
 * The value of `key` with its spaces, which may belong to a password; an empty one counts as unset. Line ends behind it are dropped: a file of
 * variables with Windows line ends leaves one after each value, and a secret that was made with `echo` has one too.
 */
export const verbatim = (env: Env, key: string): string | undefined => {
  const value = env[key]?.replace(/[\r\n]+$/, '')
  return value === '' ? undefined : value
}

const inQuotes = /^\s*(["']).*\1\s*$/s
/** Their values may be in quotes. */
const password = /PASSWORD$/

/** Those of these variables whose value is in quotes, each as a sentence. Shells take quotes away; Docker's env files and Kubernetes keep them. */
export const quotesOf = (env: Env, keys: readonly string[]): string[] =>
  keys
    .filter((key) => !password.test(key) && inQuotes.test(env[key] ?? ''))
    .map((key) => `${key} is in quotes, which belong to its value: leave them out`)
