// Where Dockerfile, .dockerignore and tree part ways, before anything is run.

import { contextFiles, wantedInContext } from './buildContext.ts'
import { readDockerfile, type Stage } from './dockerfile.ts'
import type { Bases } from './replay.ts'

type Shipped = { root: string; dockerfile: string; ignoreFile: string; bases: Bases }

const stepFaults = (stage: Stage, above: readonly string[], files: readonly string[]): string[] =>
  stage.steps.flatMap((step) => {
    if (step.kind !== 'COPY') return []
    if (step.from !== null) return above.includes(step.from) ? [] : [`COPY --from=${step.from}: no such stage above`]
    const isThere = (source: string): boolean =>
      files.some((file) => file === source || file.startsWith(`${source.replace(/\/$/, '')}/`))
    return step.sources.filter((source) => !isThere(source)).map((source) => `COPY ${source}: not in the build context`)
  })

/** One sentence each; throws where the Dockerfile cannot be read. */
export const dockerfileFaults = ({ root, dockerfile, ignoreFile, bases }: Shipped): string[] => {
  const stages = readDockerfile(dockerfile)
  const files = contextFiles(root, ignoreFile)
  const names = stages.map(({ name }) => name)
  const faults = stages.flatMap((stage, at) => {
    const above = names.slice(0, at)
    const isKnown = above.includes(stage.base) || Object.hasOwn(bases, stage.base)
    return [...(isKnown ? [] : [`FROM ${stage.base}: no such image or stage`]), ...stepFaults(stage, above, files)]
  })
  const sources = stages.flatMap(({ steps }) =>
    steps.flatMap((step) => (step.kind === 'COPY' && step.from === null ? step.sources : [])),
  )
  const unused = wantedInContext(ignoreFile).filter((path) => !sources.includes(path))
  return [...faults, ...unused.map((path) => `.dockerignore lets ${path} in, and no COPY takes it`)]
}
