// The headers of an HTML page. They make the browser run and load only what comes from this service.

// The one exception is images in a style sheet (`data:`): the style sheet of swagger-ui has some.
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
