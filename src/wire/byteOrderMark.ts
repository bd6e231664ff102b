// The byte order mark, which editors of Windows write before a text. It is no part of the text.

export const withoutByteOrderMark = (text: string): string => text.replace(/^\uFEFF/, '')
