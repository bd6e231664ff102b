// The headers of a page for a person. The browser runs and loads nothing that is not from this service.

// Images in a style sheet (`data:`) are the one exception: the renderer of the HTTP side has some.
const policy = [
  "default-src 'self'",
  "img-src 'self' data:",
  "object-src 'none'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

export const pageHeaders = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy': policy,
}
