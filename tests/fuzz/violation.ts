// A finding and how it is printed: with all that reproduces it.

export type Violation = { what: string; seed: string; number: number; input: string }

const shownMax = 2_000

/** Bytes as text that a terminal and a bug report survive. */
export const shown = (bytes: Uint8Array): string => {
  const text = Buffer.from(bytes.subarray(0, shownMax)).toString('latin1')
  const readable = text.replaceAll(
    /[^\x20-\x7e\n]/g,
    (char) => `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`,
  )
  return bytes.length > shownMax ? `${readable}… (${bytes.length} bytes)` : readable
}

export const printViolation = ({ what, seed, number, input }: Violation): string =>
  `VIOLATION: ${what}\n  seed ${seed}, number ${number}; the smallest input found:\n${input.replaceAll(/^/gm, '    ')}`
