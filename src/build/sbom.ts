// `bun run sbom`: prints the parts of the binary as a CycloneDX document: the runtime packages, each with its version, its licence, its
// checksum in the lock file and our patch of it, if there is one, and which package uses which. The same commit prints the same bytes.

import { Enums, Models, Serialize, Spec } from '@cyclonedx/cyclonedx-library'
import { runCommand } from './command.ts'
import { idOf, runtimePackages, type Package } from './packages.ts'
import { inRepo } from './repository.ts'

type Lock = { packages: Record<string, readonly [string, ...unknown[]]> }

const purlOf = ({ name, version }: Package): string => `pkg:npm/${name.replace('@', '%40')}@${version}`

/** SHA-512 checksums of the lock file, in hexadecimal, by name@version. */
const readChecksums = async (): Promise<Map<string, string>> => {
  const lock = Bun.JSONC.parse(await Bun.file(inRepo('bun.lock')).text()) as Lock
  const integrity = /^sha512-(.+)$/
  return new Map(
    Object.values(lock.packages).flatMap((entry) => {
      const found = entry.find((part): part is string => typeof part === 'string' && integrity.test(part))
      const base64 = found === undefined ? undefined : integrity.exec(found)![1]!
      return base64 === undefined ? [] : [[entry[0], Buffer.from(base64, 'base64').toString('hex')] as const]
    }),
  )
}

/** By name@version: the file of this repository that changes the package. */
type Patches = Record<string, string>

const componentOf = (one: Package, checksums: ReadonlyMap<string, string>, patches: Patches): Models.Component => {
  const checksum = checksums.get(idOf(one))
  const patch = patches[idOf(one)]
  return new Models.Component(Enums.ComponentType.Library, one.name, {
    bomRef: idOf(one),
    version: one.version,
    purl: purlOf(one),
    licenses: new Models.LicenseRepository([new Models.SpdxLicense(one.license)]),
    ...(checksum === undefined
      ? {}
      : { hashes: new Models.HashDictionary([[Enums.HashAlgorithm['SHA-512'], checksum]]) }),
    ...(patch === undefined
      ? {}
      : { properties: new Models.PropertyRepository([new Models.Property('orders:patch', patch)]) }),
  })
}

/** The document as JSON text. */
export const createSbom = async (): Promise<string> => {
  const manifest = (await Bun.file(inRepo('package.json')).json()) as {
    name: string
    version: string
    license: string
    engines: { bun: string }
    dependencies: Record<string, string>
    patchedDependencies: Patches
  }
  const packages = runtimePackages()
  const checksums = await readChecksums()
  const components = new Map(
    packages.map((one) => [idOf(one), componentOf(one, checksums, manifest.patchedDependencies)]),
  )
  const bun = new Models.Component(Enums.ComponentType.Platform, 'bun', {
    bomRef: `bun@${manifest.engines.bun}`,
    version: manifest.engines.bun,
    purl: `pkg:generic/bun@${manifest.engines.bun}`,
    licenses: new Models.LicenseRepository([new Models.SpdxLicense('MIT')]),
  })
  const refsOf = (ids: readonly string[]) => ids.flatMap((id) => components.get(id)?.bomRef ?? [])
  for (const one of packages) components.get(idOf(one))!.dependencies = new Models.BomRefRepository(refsOf(one.uses))
  const ownVersion = ([name, version]: [string, string]): string => idOf({ name, version })
  const service = new Models.Component(Enums.ComponentType.Application, manifest.name, {
    bomRef: idOf(manifest),
    version: manifest.version,
    licenses: new Models.LicenseRepository([new Models.SpdxLicense(manifest.license)]),
    dependencies: new Models.BomRefRepository([
      bun.bomRef,
      ...refsOf(Object.entries(manifest.dependencies).map(ownVersion)),
    ]),
  })
  const bom = new Models.Bom({
    metadata: new Models.Metadata({ component: service }),
    components: new Models.ComponentRepository([bun, ...components.values()]),
  })
  const factory = new Serialize.JSON.Normalize.Factory(Spec.Spec1dot6)
  return new Serialize.JsonSerializer(factory).serialize(bom, { sortLists: true, space: 2 })
}

const main = async (): Promise<number> => {
  console.log(await createSbom())
  return 0
}

if (import.meta.main) await runCommand(main)
