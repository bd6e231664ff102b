// Finds a place in a sorted list by halves.

/** The first index at which `holds`, which must hold from there to the end of the list; its length if nowhere. */
export const firstIndex = <T>(sorted: readonly T[], holds: (item: T) => boolean): number => {
  let [low, high] = [0, sorted.length]
  while (low < high) {
    const middle = (low + high) >>> 1
    if (holds(sorted[middle]!)) high = middle
    else low = middle + 1
  }
  return low
}
