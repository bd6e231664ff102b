// Through which door a request came. HTTP has no name: what came through it says nothing.

/** Another door than HTTP. `session`: of FIX, as its file names it: 1 to 200 printable ASCII characters. */
export type Door = { kind: 'grpc' } | { kind: 'fix'; session: string }

const fixPrefix = 'fix:'

/** As an order keeps it: `grpc`, or `fix:` and the session. */
export const doorText = (door: Door): string => (door.kind === 'fix' ? `${fixPrefix}${door.session}` : door.kind)

/** What an order that was taken over from the Java service says instead of a door. */
export const adoptedOrigin = 'adopted'

/** The door of what an order keeps; null: HTTP, or that of the Java service. */
export const doorOf = (text: string | null): Door | null => {
  if (text === null || text === adoptedOrigin) return null
  return text.startsWith(fixPrefix) ? { kind: 'fix', session: text.slice(fixPrefix.length) } : { kind: 'grpc' }
}
