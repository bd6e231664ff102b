// What somebody may have meant by a word that is none: a slip of the fingers is named with its mending.

/** How many letters have to be changed, left out, added or swapped with the next one to make `to` of `from`. */
const slips = (from: string, to: string): number => {
  let [before, above] = [[] as number[], Array.from({ length: to.length + 1 }, (_, i) => i)]
  for (let i = 1; i <= from.length; i++) {
    const row = [i]
    for (let j = 1; j <= to.length; j++) {
      const isSame = from[i - 1] === to[j - 1]
      const isSwapped = i > 1 && j > 1 && from[i - 1] === to[j - 2] && from[i - 2] === to[j - 1]
      row.push(
        Math.min(
          above[j]! + 1,
          row[j - 1]! + 1,
          above[j - 1]! + (isSame ? 0 : 1),
          isSwapped ? before[j - 2]! + 1 : Infinity,
        ),
      )
    }
    before = above
    above = row
  }
  return above[to.length]!
}

/** One slip in three letters, and no more than two in all. */
const slipsMax = (word: string): number => Math.min(2, Math.ceil(word.length / 3))

/** Those of the words that are like it; none if it is no slip of one. */
export const like = (word: string, words: readonly string[]): string[] => {
  const near = words
    .map((other) => ({ other, count: slips(word.toLowerCase(), other) }))
    .filter(({ other, count }) => count <= slipsMax(other))
  const least = Math.min(...near.map(({ count }) => count))
  return near.filter(({ count }) => count === least).map(({ other }) => other)
}

/** `: did you mean get?`, or empty if no word is like it. */
export const meant = (word: string, words: readonly string[]): string => {
  const best = like(word, words)
  return best.length === 0 ? '' : `: did you mean ${best.join(' or ')}?`
}
