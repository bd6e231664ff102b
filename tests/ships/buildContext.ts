// What `docker build .` would send to the engine: the files of the working tree that .dockerignore leaves in, by Docker's rules.

import { cpSync, mkdirSync, readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import createIgnore from '@balena/dockerignore'

const exceptionsOf = (rules: string): string[] =>
  rules
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line.startsWith('!'))
    .map((line) => line.slice(1))

/** Paths from `root` on, with slashes. */
export const contextFiles = (root: string, rules: string): string[] => {
  const ignore = createIgnore().add(rules)
  const exceptions = exceptionsOf(rules)
  // As Docker does it: a folder that is left out is only entered where an exception lies in it.
  const isEntered = (folder: string): boolean =>
    !ignore.ignores(folder) || exceptions.some((exception) => exception.startsWith(`${folder}/`))
  const filesIn = (folder: string): string[] =>
    readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`
      if (entry.isDirectory()) return isEntered(path) ? filesIn(path) : []
      return ignore.ignores(path) ? [] : [path]
    })
  return filesIn('').toSorted()
}

/** The exceptions of the rules: what the author wants in. */
export const wantedInContext = exceptionsOf

export const copyContext = (root: string, files: readonly string[], target: string): void => {
  for (const file of files) {
    mkdirSync(dirname(join(target, file)), { recursive: true })
    cpSync(join(root, file), join(target, file))
  }
}
