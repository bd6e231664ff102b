// From when on a test or a hook counts as hanging. It measures nothing: on a machine that is busy with other things a test may need
// minutes for what takes seconds.

export const hangsAfterMs = 300_000
