// What a Markdown file says to a git host: its headings as anchors, its links, the paths of files that it names. Reads the source line
// by line and shares nothing with the renderer of the service.

/** The text without its fenced blocks. */
const prose = (markdown: string): string => markdown.replace(/^(```|~~~)[\s\S]*?^\1.*$/gm, '')

/** The anchors of the headings, as a git host names them. */
export const anchorsOf = (markdown: string): string[] => {
  const counts = new Map<string, number>()
  return [...prose(markdown).matchAll(/^#{1,6} (.+?)(?: #+)?$/gm)].map(([, heading]) => {
    const slug = heading!
      .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
      .replace(/[`*]/g, '')
      .trim()
      .toLowerCase()
      .replace(/[^\p{L}\p{M}\p{N}_ -]/gu, '')
      .replaceAll(' ', '-')
    const count = counts.get(slug) ?? 0
    counts.set(slug, count + 1)
    return count === 0 ? slug : `${slug}-${count}`
  })
}

/** The targets of links and pictures. */
export const linksOf = (markdown: string): string[] =>
  [...prose(markdown).matchAll(/\]\(([^)\s]+)(?: "[^"]*")?\)/g)].map(([, target]) => target!)

/** The names of files between backticks, with a folder before them: `store/sql.ts`. */
export const filesOf = (markdown: string): string[] =>
  [...prose(markdown).matchAll(/`(\w[\w.-]*(?:\/[\w.*-]+)+\.(?:ts|sql|md|json|ya?ml))`/g)].map(([, path]) => path!)

/** The paths of this repository that stand between backticks, or are passed to a command in a block. */
export const pathsOf = (markdown: string): string[] =>
  [...markdown.matchAll(/(?<![\w./-])((?:src|tests|sql)\/[\w./*{},<>-]*)/g)].map(([, path]) =>
    path!.replace(/[.,]+$/, ''),
  )
