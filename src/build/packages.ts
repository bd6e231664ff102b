// Finds other people's work inside the binary: the runtime packages and the packages that these use, as they are installed.

import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { inRepo } from './repository.ts'

export type Package = {
  name: string
  version: string
  /** By SPDX. */
  license: string
  homepage: string | null
  /** The texts that must be shipped with it: the licence, and the NOTICE if the package has one. */
  texts: string[]
  /** The packages in this list that it uses directly, as `idOf` names them. */
  uses: string[]
}

/** A package may be there in several versions. */
export const idOf = ({ name, version }: Pick<Package, 'name' | 'version'>): string => `${name}@${version}`

type Manifest = {
  name: string
  version: string
  license?: string | { type: string }
  homepage?: string
  dependencies?: Record<string, string>
  optionalDependencies?: Record<string, string>
}

const manifestOf = (folder: string): Manifest =>
  JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest

/** Finds another package as a package does: in its own node_modules, or in those of the folders above. */
const resolve = (name: string, from: string): string | null => {
  for (let folder = from; ; folder = dirname(folder)) {
    const found = join(folder, 'node_modules', name)
    if (existsSync(join(found, 'package.json'))) return found
    if (folder === dirname(folder)) return null
  }
}

const isLegal = (file: string): boolean => /^(licen[cs]e|notice|copying)([.-].*)?$/i.test(file)

const textsOf = (folder: string): string[] =>
  readdirSync(folder)
    .filter(isLegal)
    .toSorted()
    .map((file) => readFileSync(join(folder, file), 'utf8').trim())

// This package runs once at an install, to count the install. It is never a part of the program, and is not trusted to run here.
const notInside = new Set(['@scarf/scarf'])

/** Each package once, sorted by name. Optional packages that are not made for this machine are left out. */
export const runtimePackages = (root: string = inRepo()): Package[] => {
  const found = new Map<string, Package>()
  const visit = (name: string, from: string, required: boolean): void => {
    if (notInside.has(name)) return
    const folder = resolve(name, from)
    if (folder === null) {
      if (required) throw new Error(`${name} is not installed: run bun install`)
      return
    }
    if (found.has(folder)) return
    const { version, license, homepage, dependencies = {}, optionalDependencies = {} } = manifestOf(folder)
    const used = Object.keys({ ...dependencies, ...optionalDependencies }).filter((one) => !notInside.has(one))
    found.set(folder, {
      name,
      version,
      license: (typeof license === 'object' ? license.type : license) ?? 'UNKNOWN',
      homepage: homepage ?? null,
      texts: textsOf(folder),
      uses: used.flatMap((one) => {
        const there = resolve(one, folder)
        return there === null ? [] : [idOf(manifestOf(there))]
      }),
    })
    for (const one of Object.keys(dependencies)) visit(one, folder, optionalDependencies[one] === undefined)
    for (const one of Object.keys(optionalDependencies)) visit(one, folder, false)
  }
  for (const name of Object.keys(manifestOf(root).dependencies ?? {})) visit(name, root, true)
  return [...found.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1))
}
