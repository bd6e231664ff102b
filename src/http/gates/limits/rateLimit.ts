// Token buckets, in the memory of this process. A bucket holds `burst` requests and refills by `perSecond`; past `keysMax` buckets the one
// that was used longest ago is forgotten, which is the fullest of them.

export type BucketOptions = {
  perSecond: number
  burst: number
  keysMax: number
  /** Monotonic. */
  nowMs: () => number
}

/** `waitSeconds`: until there is room for the next request; 0 where there is. */
export type Level = { allowed: boolean; remaining: number; waitSeconds: number }

export type Buckets = {
  /** Takes `cost` (one) if there is one at least: what is missing then is owed, and refills before anything else is allowed. */
  take: (key: string, cost?: number) => Level
  /** Puts back what was taken for a request that was refused for another reason. */
  putBack: (key: string) => void
  /** The level as it is; nothing is taken. */
  look: (key: string) => Level
  readonly size: number
}

type Bucket = { tokens: number; at: number }

export const createBuckets = ({ perSecond, burst, keysMax, nowMs }: BucketOptions): Buckets => {
  const buckets = new Map<string, Bucket>()

  const refilled = (key: string): Bucket => {
    const now = nowMs()
    const bucket = buckets.get(key)
    if (bucket === undefined) return { tokens: burst, at: now }
    const tokens = bucket.tokens + ((now - bucket.at) * perSecond) / 1000
    return { tokens: Math.min(burst, tokens), at: now }
  }
  const levelOf = ({ tokens }: Bucket, allowed: boolean): Level => ({
    allowed,
    remaining: Math.max(0, Math.floor(tokens)),
    waitSeconds: tokens >= 1 ? 0 : (1 - tokens) / perSecond,
  })
  const keep = (key: string, bucket: Bucket): void => {
    // Last in the map is used last.
    buckets.delete(key)
    if (buckets.size >= keysMax) buckets.delete(buckets.keys().next().value!)
    buckets.set(key, bucket)
  }
  return {
    take(key, cost = 1) {
      const bucket = refilled(key)
      const allowed = bucket.tokens >= 1
      if (allowed) bucket.tokens -= cost
      keep(key, bucket)
      return levelOf(bucket, allowed)
    },
    putBack(key) {
      const bucket = buckets.get(key)
      if (bucket !== undefined) bucket.tokens = Math.min(burst, bucket.tokens + 1)
    },
    look(key) {
      const bucket = refilled(key)
      return levelOf(bucket, bucket.tokens >= 1)
    },
    get size() {
      return buckets.size
    },
  }
}
