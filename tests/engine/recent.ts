// A set that remembers at least the last `limit` entries and at most twice as many: repeats come soon after their
// original, and the memory of a process that runs for weeks must end somewhere.

export type Recent = { readonly limit: number; young: Set<string>; old: Set<string> }

export const createRecent = (limit: number): Recent => ({ limit, young: new Set(), old: new Set() })

/** Remembers the entry; false when it was there already. */
export const addRecent = (recent: Recent, entry: string): boolean => {
  if (recent.young.has(entry) || recent.old.has(entry)) return false
  recent.young.add(entry)
  if (recent.young.size >= recent.limit) {
    recent.old = recent.young
    recent.young = new Set()
  }
  return true
}
