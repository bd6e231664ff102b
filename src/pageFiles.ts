// The files of the blotter's page. The build bundles src/blotter and writes them into the binary, which never reads a source; whoever runs
// from source has them bundled at the first request for the page.

import { join } from 'node:path'

/** The files that the page loads, by name: `page.js`, `page.css`, `feed.js`. */
export type PageFiles = Readonly<Record<string, string>>

const entrypoints = ['page.tsx', 'feed.ts'].map((name) => join(import.meta.dir, 'blotter', name))

/** Bundles the page for a browser. Throws an AggregateError with Bun's reasons. */
export const bundlePage = async (): Promise<PageFiles> => {
  const { outputs } = await Bun.build({
    entrypoints,
    target: 'browser',
    format: 'esm',
    minify: true,
    naming: '[name].[ext]',
    define: { 'process.env.NODE_ENV': '"production"' },
  })
  const files = outputs.map(async (output) => [output.path.replace(/^.*\//, ''), await output.text()] as const)
  return Object.fromEntries(await Promise.all(files))
}

/** What the binary was built with, or what the sources say now. */
export const readPage = async (): Promise<PageFiles> => {
  const files = process.env.ORDERS_PAGE
  return files === undefined ? bundlePage() : (JSON.parse(files) as PageFiles)
}
