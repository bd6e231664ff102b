// What this engine can do beyond the original one, as ENGINE_FEATURES names it to both sides. Without any it is an engine of the
// old kind: it reads the original members only, drops what it does not fill, and says nothing of it.

export const FEATURES = ['reports', 'display', 'post-only'] as const
type Feature = (typeof FEATURES)[number]
export type Features = ReadonlySet<Feature>

export const oldKind: Features = new Set()

/** A comma-separated list; throws at a name that is none, and at `post-only` without the reports that tell of a refusal. */
export const readFeatures = (text: string): Features => {
  const names = text.split(',').map((name) => name.trim())
  const features = new Set(names.flatMap((name) => FEATURES.filter((feature) => feature === name)))
  const unknown = names.filter((name) => name !== '' && !FEATURES.some((feature) => feature === name))
  if (unknown.length > 0) throw new Error(`ENGINE_FEATURES has ${unknown.join()}, which is none of ${FEATURES.join()}`)
  if (features.has('post-only') && !features.has('reports'))
    throw new Error('ENGINE_FEATURES has post-only, which needs reports')
  return features
}
