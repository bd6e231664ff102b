// The files that ship, as they are, and what is known of the images that they begin with.

import { readFileSync } from 'node:fs'
import { inRepo } from '../../src/build/repository.ts'
import type { Bases } from './replay.ts'

export const shippedText = (name: string): string => readFileSync(inRepo(name), 'utf8')

export const manifest = JSON.parse(shippedText('package.json')) as {
  version: string
  engines: { bun: string }
  devDependencies: Record<string, string>
}

/** `sh` and `uname` stand for Debian's own commands: what a RUN line uses of them has to be named here. */
export const bases: Bases = {
  [`oven/bun:${manifest.engines.bun}`]: { workdir: '/home/bun/app', user: 'root', commands: ['sh', 'uname', 'bun'] },
  'gcr.io/distroless/cc-debian12:nonroot': { workdir: '/home/nonroot', user: 'nonroot', commands: [] },
}
